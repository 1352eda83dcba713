package jotweb

import (
	"encoding/json"
	"errors"
)

// pending takes a user's acknowledgement key out of a payload. Without one the user is active.
func (c *converter) pending(payload string) (key *string, rest string, err error) {
	if c.acknowledgement == "" {
		return nil, payload, nil
	}
	var members map[string]json.RawMessage // the values stay as they are
	if err := json.Unmarshal([]byte(payload), &members); err != nil {
		return nil, "", errors.New("payload cannot be read again")
	}
	value, there := members[c.acknowledgement]
	if !there || string(value) == "null" || string(value) == `""` {
		return nil, payload, nil
	}
	if err := json.Unmarshal(value, &key); err != nil {
		return nil, "", errors.New("the acknowledgement key is no text")
	}
	delete(members, c.acknowledgement)
	again, err := json.Marshal(members)
	return key, string(again), err
}
