package migrations

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/jackc/tern/v2/migrate"
)

// divider separates a migration's up part from its down part, noTransaction asks tern to run a migration outside a transaction.
const (
	divider       = "---- create above / drop below ----"
	noTransaction = "---- tern: disable-tx ----"
)

// script is SQL that is sent in one go, with the place it comes from, so that an error can be shown where it stands.
type script struct {
	file string
	line int // the line of the file, counting from 1, at which sql begins
	sql  string
}

// migration is one step of the schema's tables.
type migration struct {
	version  int32
	name     string
	up, down script
}

// plan is all the SQL there is, with the schema's name filled in.
type plan struct {
	migrations []migration // migrations[i] leads from version i to i+1
	install    []script
	uninstall  []script
}

func (p plan) newest() int32 {
	if len(p.migrations) == 0 {
		return 0
	}
	return p.migrations[len(p.migrations)-1].version
}

// functions returns the names of the functions that install creates: a file in a folder is one function and has its name.
func (p plan) functions() []string {
	var names []string
	for _, s := range p.install {
		if strings.Contains(s.file, "/") {
			names = append(names, strings.TrimSuffix(path.Base(s.file), ".sql"))
		}
	}
	return names
}

// load has tern read the migrations and the code package.
func (s source) load(ctx context.Context, data map[string]any) (plan, error) {
	var p plan
	loader, err := migrate.NewMigrator(ctx, nil, "") // without a connection it only loads
	if err != nil {
		return p, err
	}
	loader.Data = data
	if err := loader.LoadMigrations(s.migrations); err != nil {
		return p, fmt.Errorf("load migrations: %w", err)
	}
	for _, m := range loader.Migrations {
		loaded, err := s.migration(m)
		if err != nil {
			return p, err
		}
		p.migrations = append(p.migrations, loaded)
	}
	if p.install, err = codeScripts(s.code, "install.sql", data); err != nil {
		return p, err
	}
	p.uninstall, err = codeScripts(s.code, "uninstall.sql", data)
	return p, err
}

func (s source) migration(m *migrate.Migration) (migration, error) {
	raw, err := fs.ReadFile(s.migrations, m.Name)
	if err != nil {
		return migration{}, err
	}
	if strings.Contains(string(raw), noTransaction) {
		return migration{}, fmt.Errorf("%s asks to run outside a transaction, but a migration here is part of one", m.Name)
	}
	above, below, _ := strings.Cut(string(raw), divider)
	return migration{
		version: m.Sequence,
		name:    m.Name,
		up:      script{file: m.Name, line: 1 + blankLines(above), sql: m.UpSQL},
		down:    script{file: m.Name, line: 1 + strings.Count(above, "\n") + blankLines(below), sql: m.DownSQL},
	}, nil
}

// blankLines counts the lines that tern trims from the head of a part.
func blankLines(part string) int {
	trimmed := strings.TrimLeft(part, " \t\r\n")
	return strings.Count(part[:len(part)-len(trimmed)], "\n")
}

// codeScripts evaluates the code package that entry lists and returns one script for each file it includes, so that an error
// names the file and not a line of some thousand.
func codeScripts(code fs.FS, entry string, data map[string]any) ([]script, error) {
	pkg, err := migrate.LoadCodePackage(markedFS{FS: code, entry: entry})
	if err != nil {
		return nil, fmt.Errorf("load code package: %w", err)
	}
	text, err := pkg.Eval(data)
	if err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", entry, err)
	}
	return splitMarked(text), nil
}

// The marks that markedFS puts around every file: bytes that SQL text never holds.
const (
	markOpen  = "\x01" // followed by the file's name and markName
	markName  = "\x02"
	markClose = "\x03"
)

// markedFS is a code package whose files, once evaluated into one text, can be told apart again. Its install.sql is the file entry.
type markedFS struct {
	fs.FS
	entry string
}

// ReadFile makes markedFS an fs.ReadFileFS, through which tern reads.
func (m markedFS) ReadFile(name string) ([]byte, error) {
	if name == "install.sql" {
		name = m.entry
	}
	body, err := fs.ReadFile(m.FS, name)
	if err != nil {
		return nil, err
	}
	return []byte(markOpen + name + markName + string(body) + markClose), nil
}

// splitMarked cuts an evaluated code package where its entry's includes begin and end. A file included by an included file stays
// within that one.
func splitMarked(text string) []script {
	var (
		scripts   []script
		open      []string // the files that the current place is within, the entry first
		current   strings.Builder
		entryLine = 1 // where the entry goes on after an include
	)
	flush := func() {
		s := script{file: open[min(len(open), 2)-1], line: 1, sql: current.String()}
		if len(open) == 1 {
			s.line = entryLine
			entryLine += strings.Count(s.sql, "\n")
		}
		if strings.TrimSpace(s.sql) != "" {
			scripts = append(scripts, s)
		}
		current.Reset()
	}
	for {
		at := strings.IndexAny(text, markOpen+markClose)
		if at < 0 {
			return scripts
		}
		current.WriteString(text[:at])
		mark := text[at : at+1]
		text = text[at+1:]
		if mark == markOpen {
			if len(open) == 1 {
				flush()
			}
			var name string
			name, text, _ = strings.Cut(text, markName)
			open = append(open, name)
			continue
		}
		if len(open) <= 2 {
			flush()
		}
		open = open[:len(open)-1]
	}
}
