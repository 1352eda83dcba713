package pickle_test

import (
	"fmt"

	"github.com/pgsession/pgsession/cmd/pgsession/jotweb/pickle"
)

func ExampleRead() {
	// Python 2: pickle.dumps({'visits': 3, 'since': datetime.date(2003, 4, 11)})
	result, err := pickle.Read([]byte("(dp0\nS'visits'\np1\nI3\nsS'since'\np2\ncdatetime\ndate\np3\n(S'\\x07\\xd3\\x04\\x0b'\np4\ntp5\nRp6\ns."))
	fmt.Println(string(result.JSON), result.Lost, err)
	// Output: {"visits":3} map[datetime.date:1] <nil>
}
