package gorillastore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/pgsession/pgsession/client/gorillastore"
	"github.com/pgsession/pgsession/client/memory"
)

func Example() {
	store := gorillastore.New(memory.New(memory.Options{}), []byte("0123456789abcdef0123456789abcdef")) // a listener.Cache, but in tests

	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		visits, _ := session.Values["visits"].(int)
		session.Values["visits"] = visits + 1
		if err := session.Save(r, w); err != nil {
			http.Error(w, "signed out", http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, "visit %d", visits+1)
	})

	first := httptest.NewRecorder()
	site.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/", nil))
	again := httptest.NewRequest(http.MethodGet, "/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	second := httptest.NewRecorder()
	site.ServeHTTP(second, again)
	fmt.Println(first.Body, second.Body)
	// Output: visit 1 visit 2
}
