package site

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

const (
	notePrefix = "note."
	noteMost   = 500 // characters
)

// note is one line of the notepad.
type note struct{ Name, Text string }

// showNotes shows the notepad: of a visitor too, who takes it along when logging in.
func (s *Site) showNotes(w http.ResponseWriter, r *http.Request) error {
	return s.notepad(w, r, http.StatusOK, form{})
}

func (s *Site) notepad(w http.ResponseWriter, r *http.Request, status int, f form) error {
	notes, err := notesOf(r)
	if err != nil {
		return err
	}
	return s.show(w, r, status, "notes", page{Title: "Notepad", Form: f, Data: notes})
}

// notesOf returns the notes that the session holds, the oldest first.
func notesOf(r *http.Request) ([]note, error) {
	current, _, err := sessionhttp.From(r.Context()).Current()
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := current.Payload.Decode(&members); err != nil {
		return nil, err
	}
	var notes []note
	for _, name := range slices.Sorted(maps.Keys(members)) {
		var text string
		if strings.HasPrefix(name, notePrefix) && json.Unmarshal(members[name], &text) == nil {
			notes = append(notes, note{name, text})
		}
	}
	return notes, nil
}

// newNoteName gives a note a member of its own. Two tabs that write at once change different members, and merging keeps both: a
// list in one member would keep the last writer's. Names sort by time.
func newNoteName() string {
	return notePrefix + time.Now().UTC().Format("20060102T150405.000000") + "." + rand.Text()[:8]
}

func (s *Site) addNote(w http.ResponseWriter, r *http.Request) error {
	f := filledIn(r, "note")
	text := strings.TrimSpace(r.PostFormValue("note"))
	switch {
	case text == "":
		f.wrong("note", "Enter a note.")
	case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
		f.wrong("note", "This text cannot be kept.")
	case utf8.RuneCountInString(text) > noteMost:
		f.wrong("note", "A note has at most 500 characters.")
	}
	if len(f.Errors) > 0 {
		return s.notepad(w, r, http.StatusUnprocessableEntity, f)
	}
	session := sessionhttp.From(r.Context())
	if err := session.Set(newNoteName(), text); err != nil {
		return err
	}
	if err := session.Save(r.Context()); errors.Is(err, client.ErrInvalid) { // over the setting payload_max
		f.wrong("note", "The notepad is full. Delete a note first.")
		return s.notepad(w, r, http.StatusUnprocessableEntity, f)
	} else if err != nil {
		return err
	}
	return seeOther(w, r, "/")
}

func (s *Site) deleteNote(w http.ResponseWriter, r *http.Request) error {
	name := r.PostFormValue("name")
	if !strings.HasPrefix(name, notePrefix) {
		return errForm
	}
	if err := sessionhttp.From(r.Context()).Delete(name); err != nil {
		return err
	}
	return seeOther(w, r, "/")
}
