package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsession/pgsession/client"
)

func TestUnavailable(t *testing.T) {
	t.Parallel()
	code := func(code string) error { return fmt.Errorf("asked: %w", &pgconn.PgError{Code: code}) }
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"no error":              {nil, false},
		"gone":                  {&client.Error{Code: "SE001"}, false},
		"refused by us":         {code("SE005"), false},
		"no such function":      {code("42883"), false},
		"not granted":           {code("42501"), false},
		"unique violation":      {code("23505"), false},
		"deadlock":              {code("40P01"), true},
		"too many connections":  {code("53300"), true},
		"shutting down":         {code("57P01"), true},
		"statement timeout":     {code("57014"), true},
		"a demoted primary":     {code("25006"), true},
		"another of that class": {code("25001"), false},
		"no connection":         {errors.New("dial: refused"), true},
		"too slow":              {fmt.Errorf("asked: %w", context.DeadlineExceeded), true},
	} {
		if got := client.Unavailable(test.err); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
