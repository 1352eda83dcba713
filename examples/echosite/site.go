// Package echosite is a site on echo whose sessions are pgsession's.
package echosite

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

// New returns the site. echo.WrapMiddleware makes the middleware one of echo's kind.
func New(store client.Store) (http.Handler, error) {
	sessions, err := sessionhttp.New(store, sessionhttp.Config{})
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.HTTPErrorHandler = answerError(e)
	e.Use(middleware.Recover(), echo.WrapMiddleware(sessions.Handler))
	e.POST("/login", logIn)
	e.POST("/cart", fill)
	e.GET("/account", account, echo.WrapMiddleware(sessionhttp.RequireUser))
	e.GET("/stream", stream)
	return e, nil
}

// sessionError is an error of a session's, which the middleware knows how to answer.
type sessionError struct{ error }

// answerError sends errors where they are known.
func answerError(e *echo.Echo) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		var ours sessionError
		if errors.As(err, &ours) && !c.Response().Committed {
			sessionhttp.Fail(c.Response(), c.Request(), ours.error)
			return
		}
		e.DefaultHTTPErrorHandler(err, c)
	}
}

func logIn(c echo.Context) error {
	ctx := c.Request().Context()
	login, err := sessionhttp.From(ctx).Login(ctx, c.FormValue("username"), c.FormValue("password"))
	switch {
	case err != nil:
		return sessionError{err}
	case login.Outcome != client.OK:
		return echo.NewHTTPError(http.StatusForbidden, login.Outcome)
	}
	return c.Redirect(http.StatusSeeOther, "/account")
}

func fill(c echo.Context) error {
	if err := sessionhttp.From(c.Request().Context()).Set("cart", c.FormValue("item")); err != nil {
		return sessionError{err}
	}
	return c.NoContent(http.StatusOK)
}

func account(c echo.Context) error {
	s := sessionhttp.From(c.Request().Context())
	username, err := s.Username()
	var cart string
	if err == nil {
		_, err = s.Get("cart", &cart)
	}
	if err != nil {
		return sessionError{err}
	}
	return c.String(http.StatusOK, username+" has "+cart)
}

func stream(c echo.Context) error {
	if err := sessionhttp.From(c.Request().Context()).Set("seen", true); err != nil {
		return sessionError{err}
	}
	for i := range 3 {
		if _, err := fmt.Fprintf(c.Response(), "%d\n", i); err != nil {
			return err
		}
		c.Response().Flush()
	}
	return nil
}
