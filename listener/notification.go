package listener

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/pgsession/pgsession/client"
)

// itemLength is the length of an item that names a tag: a letter, and 8 bytes in base64url.
const itemLength = 12

// notification is what one says: 1|epoch8|xid36 or empty|items. An item is s or u and a tag, * for
// everything, or ! to poll now.
type notification struct {
	epoch   string // the epoch's first 8 digits
	changes []client.Change
	poll    bool
}

var errNotification = errors.New("neither sent by this version of pgsession nor well formed")

func parseNotification(payload string) (notification, error) {
	parts := strings.Split(payload, "|")
	if len(parts) != 4 || parts[0] != "1" || parts[3] == "" {
		return notification{}, errNotification
	}
	n := notification{epoch: parts[1]}
	all := false
	for items := parts[3]; items != ""; {
		switch kind := items[0]; kind {
		case '*':
			all = true
			items = items[1:]
		case '!':
			n.poll = true
			items = items[1:]
		case 's', 'u':
			if len(items) < itemLength {
				return notification{}, errNotification
			}
			var tag [8]byte
			if _, err := base64.RawURLEncoding.Decode(tag[:], []byte(items[1:itemLength])); err != nil {
				return notification{}, errNotification
			}
			n.changes = append(n.changes, client.Change{Kind: client.ChangeKind(kind), Tag: client.Tag(binary.BigEndian.Uint64(tag[:]))})
			items = items[itemLength:]
		default:
			return notification{}, errNotification
		}
	}
	if all { // covers the others, and is done once however often it is said
		n.changes = []client.Change{{Kind: client.ChangedAll}}
	}
	return n, nil
}
