package origin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/pgsession/pgsession/internal/origin"
)

func Example() {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "10.0.0.1:4711" // a proxy
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	fmt.Println(origin.Of(r, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}).Address)
	fmt.Println(origin.Of(r, nil).Address)
	// Output:
	// 203.0.113.9
	// 10.0.0.1
}
