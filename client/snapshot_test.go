package client_test

import (
	"testing"

	"github.com/pgsession/pgsession/client"
)

func TestSnapshot(t *testing.T) {
	t.Parallel()
	s, err := client.ParseSnapshot("10:20:10,14,15")
	if err != nil {
		t.Fatal(err)
	}
	if s.Xmin() != 10 || s.Xmax() != 20 || s.String() != "10:20:10,14,15" || s.IsZero() {
		t.Errorf("parsed as %d, %d, %s", s.Xmin(), s.Xmax(), s)
	}
	sees := map[uint64]bool{0: true, 9: true, 10: false, 11: true, 13: true, 14: false, 15: false, 16: true, 19: true, 20: false, 21: false, 1 << 63: false}
	for xid, want := range sees {
		if s.Sees(xid) != want {
			t.Errorf("sees %d: %v, want %v", xid, s.Sees(xid), want)
		}
	}
	if other, _ := client.ParseSnapshot("10:20:10,14,15"); other != s {
		t.Error("equal snapshots are not ==")
	}
	none, err := client.ParseSnapshot("20:20:")
	if err != nil || !none.Sees(19) || none.Sees(20) {
		t.Errorf("with nothing in progress: %v, %v", none, err)
	}
	if !(client.Snapshot{}).IsZero() || (client.Snapshot{}).Sees(3) {
		t.Error("the zero value is no snapshot and sees nothing")
	}
}

func TestParseSnapshotRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "1", "1:2", "1:2:3:4", "a:2:", "1:b:", "1:2:c", "1:2:3,", "-1:2:", "1:2:,", ":::", "1 :2:", "0:1:", "3:2:", "1:5:0", "2:5:1", "1:5:5", "1:5:3,2"} {
		if _, err := client.ParseSnapshot(s); err == nil {
			t.Errorf("%q was read as a snapshot", s)
		}
	}
}
