package client

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Unavailable reports whether an error means that the database could not be asked, or may well answer the same request in
// a moment: what a website answers with 503. An error that PostgreSQL did not send is a connection that could not be
// made, broke, or was too slow, unless it is one of this package's own. It is false for nil.
func Unavailable(err error) bool {
	if err == nil {
		return false
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		var own *Error
		return !errors.As(err, &own)
	}
	return slices.ContainsFunc([]string{ // SQLSTATE classes, and codes
		"08",    // connection exception
		"25006", // read-only transaction: a demoted primary
		"28",    // the role may not log in
		"3D",    // there is no such database
		"40",    // rolled back: deadlock, serialization failure
		"53",    // insufficient resources, too many connections among them
		"55P03", // a lock was not to be had in time
		"57",    // shutting down, starting up, statement timeout
		"58",    // the operating system failed it
	}, func(class string) bool { return strings.HasPrefix(refused.Code, class) })
}
