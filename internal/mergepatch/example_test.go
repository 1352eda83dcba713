package mergepatch_test

import (
	"fmt"

	"github.com/pgsession/pgsession/internal/mergepatch"
)

func Example() {
	merged, err := mergepatch.Apply([]byte(`{"theme": "dark", "cart": {"tea": 1}}`), []byte(`{"theme": null, "cart": {"milk": 2}}`))
	fmt.Println(string(merged), err)
	// Output: {"cart":{"milk":2,"tea":1}} <nil>
}
