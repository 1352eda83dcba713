package mergepatch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/internal/mergepatch"
)

func TestApply(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, mergepatch.MaxDepth) + "1" + strings.Repeat("}", mergepatch.MaxDepth)
	for _, tt := range []struct {
		target, patch, want string
		err                 error
	}{
		// RFC 7396, appendix A, as far as the results are objects.
		{target: `{"a":"b"}`, patch: `{"a":"c"}`, want: `{"a":"c"}`},
		{target: `{"a":"b"}`, patch: `{"b":"c"}`, want: `{"a":"b","b":"c"}`},
		{target: `{"a":"b"}`, patch: `{"a":null}`, want: `{}`},
		{target: `{"a":"b","b":"c"}`, patch: `{"a":null}`, want: `{"b":"c"}`},
		{target: `{"a":["b"]}`, patch: `{"a":"c"}`, want: `{"a":"c"}`},
		{target: `{"a":"c"}`, patch: `{"a":["b"]}`, want: `{"a":["b"]}`},
		{target: `{"a":{"b":"c"}}`, patch: `{"a":{"b":"d","c":null}}`, want: `{"a":{"b":"d"}}`},
		{target: `{"a":[{"b":"c"}]}`, patch: `{"a":[1]}`, want: `{"a":[1]}`},
		{target: `{"e":null}`, patch: `{"a":1}`, want: `{"a":1,"e":null}`},
		{target: `{}`, patch: `{"a":{"bb":{"ccc":null}}}`, want: `{"a":{"bb":{}}}`},

		{target: `{"a":1}`, patch: `{}`, want: `{"a":1}`},
		{target: `{"a":[null]}`, patch: `{"b":[null,{"c":null}]}`, want: `{"a":[null],"b":[null,{"c":null}]}`}, // within an array null is a value
		{target: `{"a":12345678901234567890.10}`, patch: `{"b":1.50e10}`, want: `{"a":12345678901234567890.10,"b":1.50e10}`},
		{target: `{"a":1}`, patch: `{"a":2,"a":3}`, want: `{"a":3}`},
		{target: `{}`, patch: deep, want: deep},

		{target: `{}`, patch: `{"a":` + deep + `}`, err: mergepatch.ErrTooDeep},
		{target: `{}`, patch: `[]`, err: mergepatch.ErrPatch},
		{target: `{}`, patch: `null`, err: mergepatch.ErrPatch},
		{target: `{}`, patch: `{"a"`, err: mergepatch.ErrPatch},
		{target: `{}`, patch: `{}{}`, err: mergepatch.ErrPatch},
		{target: `[]`, patch: `{}`, err: mergepatch.ErrTarget},
	} {
		got, err := mergepatch.Apply([]byte(tt.target), []byte(tt.patch))
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s with %.60s merged into it: %.60s, %v", tt.target, tt.patch, got, err)
		}
	}
}
