package site

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// form is what has been filled in, and what is wrong with it. It never holds a password.
type form struct {
	Values map[string]string
	Errors []fieldError
}

// fieldError is what is wrong with a field; without one it is about the form as a whole.
type fieldError struct{ Field, Message string }

// filledIn takes fields of a request over into the page that is shown again.
func filledIn(r *http.Request, names ...string) form {
	f := form{Values: map[string]string{}}
	for _, name := range names {
		f.Values[name] = r.PostFormValue(name)
	}
	return f
}

// wrong adds an error, unless the message is empty.
func (f *form) wrong(field, message string) {
	if message != "" {
		f.Errors = append(f.Errors, fieldError{field, message})
	}
}

// field is an input with its label.
type field struct {
	Name, Label, Type, Complete, Hint string
	Value, Error                      string
}

// newField makes a field of a form, for the templates. complete is what browsers and password managers may fill in.
func newField(f form, name, label, kind, complete, hint string) field {
	input := field{Name: name, Label: label, Type: kind, Complete: complete, Hint: hint, Value: f.Values[name]}
	for _, e := range f.Errors {
		if e.Field == name {
			input.Error = e.Message
		}
	}
	return input
}

const (
	usernameMost  = 64
	passwordLeast = 8
	passwordMost  = 72 // bytes: what bcrypt looks at
)

// checkUsername says what is wrong with a new user's name, "" if nothing is.
func checkUsername(name string) string {
	switch {
	case name == "":
		return "Enter a username."
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "A username has no control characters."
	case strings.TrimSpace(name) != name:
		return "A username does not begin or end with a space."
	case utf8.RuneCountInString(name) > usernameMost:
		return "A username has at most 64 characters."
	}
	return ""
}

// checkPassword says what is wrong with a new password, "" if nothing is. Length is what counts.
func checkPassword(password, username string) string {
	switch {
	case password == "":
		return "Enter a password."
	case utf8.RuneCountInString(password) < passwordLeast:
		return "A password has at least 8 characters."
	case len(password) > passwordMost:
		return "A password has at most 72 bytes: that many letters without accents."
	case !utf8.ValidString(password) || strings.Contains(password, "\x00"):
		return "A password has no zero bytes."
	case password == username:
		return "The password must not be the username."
	}
	return ""
}
