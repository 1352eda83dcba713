package console_test

import (
	"os"

	"github.com/pgsession/pgsession/internal/console"
)

func Example() {
	say := console.New(os.Stdout)
	say.Title("A demonstration")
	say.Step("A user registers")
	say.Typed("sql>", "select user_create('%s')", "anna")
	say.Say("%d user", 1)
	// Output:
	// A demonstration
	//
	// 1. A user registers
	//    sql> select user_create('anna')
	//    1 user
}
