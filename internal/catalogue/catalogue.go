// Package catalogue describes what is in a schema of pgsession, so that two databases can be compared, and one with a
// description that is kept in a file. It exists for tests.
package catalogue

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed describe.sql
var describe string

// Object is a table, a view, a function or the schema itself.
type Object struct {
	// Name begins with what it is: "function session_key(p_token text)".
	Name string
	// Lines tell what there is to tell of it, in an order that does not depend on how it came to be.
	Lines []string
	// Body is a function's, empty for everything else.
	Body string
}

// Objects describes everything in a schema that belongs to no extension: columns, constraints, indexes, triggers, functions
// with their attributes, views, comments, and rights of others than the owner, whose name does not appear. The text is the
// same on every version of PostgreSQL. Partitions are left out, but for a default one: which there are depends on the day.
func Objects(ctx context.Context, conn *pgx.Conn, schema string) ([]Object, error) {
	rows, err := conn.Query(ctx, describe, schema)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	var objects []Object
	var name, line, body string
	_, err = pgx.ForEachRow(rows, []any{&name, &line, &body}, func() error {
		if n := len(objects); n == 0 || objects[n-1].Name != name {
			objects = append(objects, Object{Name: name, Body: body})
		}
		if line != "" {
			last := &objects[len(objects)-1]
			last.Lines = append(last.Lines, line)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return objects, nil
}

// Text is the description as it is kept in a file. Bodies of functions are not in it: they are files already.
func Text(objects []Object) string {
	var text strings.Builder
	for i, o := range objects {
		if i > 0 {
			text.WriteString("\n")
		}
		text.WriteString(o.Name + "\n")
		for _, line := range o.Lines {
			text.WriteString("  " + line + "\n")
		}
	}
	return text.String()
}

// Differences tells in what two descriptions differ, bodies of functions included; it is empty if they do not. A line of the
// answer begins with - if only the first has it, with + if only the second has it.
func Differences(first, second []Object) []string {
	count := map[string]int{}
	var order []string
	note := func(objects []Object, n int) {
		for _, o := range objects {
			lines := append([]string{""}, o.Lines...)
			if o.Body != "" {
				lines = append(lines, "body "+o.Body)
			}
			for _, line := range lines {
				key := strings.TrimSuffix(o.Name+": "+line, ": ")
				if count[key] == 0 {
					order = append(order, key)
				}
				count[key] += n
			}
		}
	}
	note(first, -1)
	note(second, 1)
	var differences []string
	for _, key := range order {
		switch n := count[key]; {
		case n < 0:
			differences = append(differences, "- "+key)
		case n > 0:
			differences = append(differences, "+ "+key)
		}
	}
	return differences
}
