package listener

import (
	"github.com/pgsession/pgsession/client"
)

// What transactions do, and what the triggers log of it.

func logged(key client.Key) client.Change {
	return client.Change{Kind: client.ChangedSession, Tag: key.Tag()}
}

func loggedUser(username string) client.Change {
	return client.Change{Kind: client.ChangedUser, Tag: client.UserTag(username)}
}

func workNothing(*simServer) ([]*simCommit, []client.Change) { return nil, nil }

// workOpen logs nothing: absence is not cached.
func workOpen(key client.Key, username string) simWork {
	return func(v *simServer) ([]*simCommit, []client.Change) {
		if !v.rows[key].gone {
			return nil, nil
		}
		v.sim.history.ids++
		id := v.sim.history.ids
		return []*simCommit{v.sim.history.add(v, key, func(c *simCommit) {
			c.gone, c.id, c.version, c.username = false, id, 1, username
		})}, nil
	}
}

func workSave(key client.Key) simWork {
	return func(v *simServer) ([]*simCommit, []client.Change) {
		if v.rows[key].gone {
			return nil, nil
		}
		c := v.sim.history.add(v, key, func(c *simCommit) { c.version++ })
		return []*simCommit{c}, []client.Change{logged(key)}
	}
}

// workSaveAll is a statement that changes so much that everybody flushes.
func workSaveAll(keys []client.Key) simWork {
	return func(v *simServer) (commits []*simCommit, _ []client.Change) {
		for _, key := range keys {
			one, _ := workSave(key)(v)
			commits = append(commits, one...)
		}
		return commits, []client.Change{{Kind: client.ChangedAll}}
	}
}

func workClose(key client.Key) simWork {
	return func(v *simServer) ([]*simCommit, []client.Change) {
		if v.rows[key].gone {
			return nil, nil
		}
		c := v.sim.history.add(v, key, func(c *simCommit) { c.gone = true })
		return []*simCommit{c}, []client.Change{logged(key)}
	}
}

func workCloseUser(username string) simWork {
	return workUser(username, func(c *simCommit) { c.gone = true })
}

// workRename logs the old name.
func workRename(username, other string) simWork {
	return workUser(username, func(c *simCommit) { c.username, c.version = other, c.version+1 })
}

func workUser(username string, change func(c *simCommit)) simWork {
	return func(v *simServer) ([]*simCommit, []client.Change) {
		var commits []*simCommit
		for _, key := range v.sim.keys {
			if c := v.rows[key]; !c.gone && c.username == username {
				commits = append(commits, v.sim.history.add(v, key, change))
			}
		}
		if len(commits) == 0 {
			return nil, nil
		}
		return commits, []client.Change{loggedUser(username)}
	}
}
