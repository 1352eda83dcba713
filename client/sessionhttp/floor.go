package sessionhttp

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"

	"github.com/pgsession/pgsession/client"
)

// A version floor travels beside the token: who reads the token, a gateway for one, need not know of it.
const (
	floorSuffix = "-floor"
	floorBytes  = len(client.Epoch{}) + 8
	// floorAge is for how long a browser carries a floor, in seconds. A change shows everywhere once the
	// database's lease has passed, seconds by default: a floor only has to bridge that.
	floorAge = 60
)

func (c *Config) floorName() string { return c.CookieName + floorSuffix }

// floor returns the version floor that a request carries; zero is none. What is no floor, or carries
// two, is taken for none: a floor only ever asks for fresher answers.
func (c *Config) floor(r *http.Request) client.Floor {
	if !c.ReadYourWrites {
		return client.Floor{}
	}
	cookies := r.CookiesNamed(c.floorName())
	if len(cookies) != 1 {
		return client.Floor{}
	}
	return parseFloor(cookies[0].Value)
}

func formatFloor(f client.Floor) string {
	b := make([]byte, 0, floorBytes)
	b = append(b, f.Epoch[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Version)) //nolint:gosec // a version is not negative
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseFloor(text string) client.Floor {
	if len(text) != base64.RawURLEncoding.EncodedLen(floorBytes) {
		return client.Floor{}
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != floorBytes {
		return client.Floor{}
	}
	epoch := client.Epoch(b[:len(client.Epoch{})])
	version := int64(binary.BigEndian.Uint64(b[len(epoch):])) //nolint:gosec // the sign is looked at below
	if version <= 0 {
		return client.Floor{}
	}
	return client.Floor{Epoch: epoch, Version: version}
}
