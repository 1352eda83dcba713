// Package ginsite is a site on gin whose sessions are pgsession's.
package ginsite

import (
	"cmp"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

// New returns the site. The middleware goes around gin's engine, which is a handler like any other.
func New(store client.Store) (http.Handler, error) {
	sessions, err := sessionhttp.New(store, sessionhttp.Config{})
	if err != nil {
		return nil, err
	}
	engine := gin.New()
	engine.Use(gin.Recovery())
	engine.POST("/login", logIn)
	engine.POST("/cart", fill)
	engine.GET("/account", requireUser, account)
	engine.GET("/stream", stream)
	return sessions.Handler(engine), nil
}

// requireUser is sessionhttp.RequireUser for gin.
func requireUser(c *gin.Context) {
	username, err := sessionhttp.From(c.Request.Context()).Username()
	if err != nil || username == "" {
		fail(c, cmp.Or(err, sessionhttp.ErrAnonymous))
	}
}

func fail(c *gin.Context, err error) {
	sessionhttp.Fail(c.Writer, c.Request, err)
	c.Abort()
}

func logIn(c *gin.Context) {
	ctx := c.Request.Context()
	login, err := sessionhttp.From(ctx).Login(ctx, c.PostForm("username"), c.PostForm("password"))
	switch {
	case err != nil:
		fail(c, err)
	case login.Outcome != client.OK:
		c.String(http.StatusForbidden, string(login.Outcome))
	default:
		c.Redirect(http.StatusSeeOther, "/account")
	}
}

func fill(c *gin.Context) {
	if err := sessionhttp.From(c.Request.Context()).Set("cart", c.PostForm("item")); err != nil {
		fail(c, err)
	}
}

func account(c *gin.Context) {
	s := sessionhttp.From(c.Request.Context())
	username, err := s.Username()
	var cart string
	if err == nil {
		_, err = s.Get("cart", &cart)
	}
	if err != nil {
		fail(c, err)
		return
	}
	c.String(http.StatusOK, "%s has %s", username, cart)
}

func stream(c *gin.Context) {
	if err := sessionhttp.From(c.Request.Context()).Set("seen", true); err != nil {
		fail(c, err)
		return
	}
	i := 0
	c.Stream(func(w io.Writer) bool {
		fmt.Fprintf(w, "%d\n", i)
		i++
		return i < 3
	})
}
