package memory

import (
	"fmt"

	"github.com/pgsession/pgsession/client"
)

// refusal is what a stored function would have raised. It unwraps to the sentinel and to a *client.Error.
type refusal struct {
	op       string
	sentinel error
	raised   *client.Error
}

func refused(op string, sentinel error, code, message, hint string) error {
	return &refusal{op, sentinel, &client.Error{Code: code, Message: message, Hint: hint}}
}

func (r *refusal) Error() string {
	return fmt.Sprintf("pgsession: %s: %s (%s): %s", r.op, r.raised.Message, r.raised.Code, r.raised.Hint)
}

func (r *refusal) Unwrap() []error { return []error{r.sentinel, r.raised} }

func gone(op string) error {
	return refused(op, client.ErrGone, "SE001", "the session is gone", "It was closed, has expired, or never was. Open a new one.")
}

func conflict(op string) error {
	return refused(op, client.ErrConflict, "SE002", "the version has moved on",
		"Read again, apply the change to what is there now, and save that.")
}

func noUser(op string) error {
	return refused(op, client.ErrNoUser, "SE003", "no such user", "Create the user first.")
}

func exists(op, message, hint string) error {
	return refused(op, client.ErrExists, "SE004", message, hint)
}

func invalid(op, message, hint string) error {
	return refused(op, client.ErrInvalid, "SE005", message, hint)
}

func notActive(op, status string) error {
	return refused(op, client.ErrNotActive, "SE006", "the user is "+status, "Only an active user can have sessions.")
}
