package memory

// patchDepth is how deep the objects of a merge patch may be nested.
const patchDepth = 100

// depth returns how deep objects are nested in objects; those within arrays replace and are not merged.
func depth(o map[string]any) int {
	deepest := 0
	for _, member := range o {
		if inner, ok := member.(map[string]any); ok {
			deepest = max(deepest, depth(inner))
		}
	}
	return deepest + 1
}

// merge applies a merge patch (RFC 7396) to an object, which it changes.
func merge(target, patch map[string]any) {
	for name, member := range patch {
		switch member := member.(type) {
		case nil:
			delete(target, name)
		case map[string]any:
			into, ok := target[name].(map[string]any)
			if !ok {
				into = map[string]any{}
			}
			merge(into, member)
			target[name] = into
		default:
			target[name] = member
		}
	}
}
