package gateway

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pgsession/pgsession/client"
)

// etagOf names a state of a session: which session, because one URL serves them all; which version of it; and, as a database that
// lost commits may give a version's number a second time, of which epoch. What a moment brings, ttl and source, it leaves out.
func etagOf(s *client.Session) string {
	return `"` + strconv.FormatInt(s.ID, 10) + "." + strconv.FormatInt(s.Version, 10) + "." + hex.EncodeToString(s.Epoch[:4]) + `"`
}

// condition is the content of If-Match or If-None-Match.
type condition struct {
	any  bool     // "*"
	tags []string // entity tags as they were written
}

var errMalformedTags = badRequest(`If-Match is * or a list of entity tags in double quotes`)

// parseCondition reads a header of RFC 9110, sections 13.1.1 and 13.1.2; nil where it is absent.
func parseCondition(h http.Header, name string) (*condition, error) {
	lines := h.Values(name)
	if len(lines) == 0 {
		return nil, nil //nolint:nilnil // no condition is no error
	}
	rest := strings.Trim(strings.Join(lines, ","), " \t")
	if rest == "*" {
		return &condition{any: true}, nil
	}
	c := &condition{}
	for rest != "" {
		if rest[0] == ',' { // a list may have empty elements
			rest = strings.TrimLeft(rest[1:], " \t")
			continue
		}
		tag, ok := cutTag(rest)
		if !ok {
			return nil, errMalformedTags
		}
		c.tags = append(c.tags, tag)
		rest = strings.TrimLeft(rest[len(tag):], " \t")
		if rest != "" && rest[0] != ',' {
			return nil, errMalformedTags
		}
	}
	if len(c.tags) == 0 {
		return nil, errMalformedTags
	}
	return c, nil
}

// cutTag returns the entity tag that text begins with. Between its quotes anything may stand but a quote, a space and a control
// character; a comma too, so that splitting at commas would not do.
func cutTag(text string) (string, bool) {
	opaque, ok := strings.CutPrefix(strings.TrimPrefix(text, "W/"), `"`)
	if !ok {
		return "", false
	}
	end := strings.IndexByte(opaque, '"')
	if end < 0 || strings.ContainsFunc(opaque[:end], func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", false
	}
	return text[:len(text)-len(opaque)+end+1], true
}

// matches compares strongly, as changing something wants it: a weak tag equals none.
func (c *condition) matches(s *client.Session) bool {
	return c.any || slices.Contains(c.tags, etagOf(s))
}

// matchesWeakly compares as reading wants it.
func (c *condition) matchesWeakly(s *client.Session) bool {
	return c.any || slices.ContainsFunc(c.tags, func(tag string) bool { return strings.TrimPrefix(tag, "W/") == etagOf(s) })
}
