package site

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/pgsession/pgsession/client/sessionhttp"
)

//go:embed templates
var templates embed.FS

// pages are the templates by name, each within the layout.
type pages map[string]*template.Template

func parsePages() (pages, error) {
	const layout = "templates/layout.html"
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, err
	}
	p := pages{}
	for _, file := range files {
		if file == layout {
			continue
		}
		t, err := template.New("layout.html").Funcs(template.FuncMap{"field": newField}).ParseFS(templates, layout, file)
		if err != nil {
			return nil, fmt.Errorf("parse the pages: %w", err)
		}
		p[strings.TrimSuffix(path.Base(file), ".html")] = t
	}
	return p, nil
}

// page is what the layout and a page's own template are filled with.
type page struct {
	Title  string
	Path   string // of the menu's entry that is the current one
	Notice string // what has just been done
	Form   form
	Data   any

	User    string // who is logged in
	Process string
}

// notices are what a redirect can have the next page tell. The address holds the name alone, so that no link can make a page say
// anything else.
var notices = map[string]string{
	"activated": "Your account is active. You can log in now.",
	"first":     "Please log in first.",
	"ended":     "Your session has ended. Please log in again.",
	"out":       "You are logged out.",
	"password":  "Your password is changed, and your other sessions have been ended.",
	"session":   "That session has been ended.",
	"others":    "Your other sessions have been ended.",
}

// show answers with a page.
func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) error {
	var err error
	if p.User, err = sessionhttp.From(r.Context()).Username(); err != nil {
		return err
	}
	if p.Notice == "" && len(p.Form.Errors) == 0 {
		p.Notice = notices[r.URL.Query().Get("notice")]
	}
	p.Path = r.URL.Path
	return s.write(w, status, name, p)
}

// showError answers with a page about what went wrong, which needs nothing of the session.
func (s *Site) showError(w http.ResponseWriter, status int, title, text string) {
	if err := s.write(w, status, "error", page{Title: title, Data: text}); err != nil {
		http.Error(w, text, status)
	}
}

// write fills a template before anything is sent, so that an error can still be answered.
func (s *Site) write(w http.ResponseWriter, status int, name string, p page) error {
	p.Process = s.config.Process
	var b bytes.Buffer
	if err := s.pages[name].Execute(&b, p); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails only if whoever asked is gone
	return nil
}
