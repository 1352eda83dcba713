package pgserver

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// account is whom the server runs as. A nil account stands for the user we are.
type account struct {
	name     string
	uid, gid uint32
}

// accountNames are tried in this order when root has to become somebody else. initdb wants an account that exists;
// one that owns nothing is best after PostgreSQL's own.
var accountNames = [...]string{"postgres", "_postgres", "nobody", "daemon", "bin"}

// serverAccount is nil unless we are root, as whom PostgreSQL refuses to run.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is the account we are
	}
	for _, name := range accountNames {
		if u, err := user.Lookup(name); err == nil {
			uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
			gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
			if uidErr == nil && gidErr == nil && uid != 0 {
				return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
			}
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no other account to run it as (" +
		strings.Join(accountNames[:], ", ") + "); add one: useradd --system postgres")
}

// String is the account's name, for messages.
func (a *account) String() string {
	if a == nil {
		return "the current user"
	}
	return "account " + a.name
}

// own gives a file to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// serverEnv is the whole environment of the server's programs. What is not needed is not handed on: PG* variables would
// steer them, and secrets of ours are no business of another account's.
func serverEnv() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LOCPATH", "LOCALE_ARCHIVE"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
