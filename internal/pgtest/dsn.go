package pgtest

import (
	"net/url"
	"strings"
)

// changeDSN names another database and role in a DSN of either form, and leaves all else (hosts, TLS) as it is.
func changeDSN(dsn, database, user, password string) string {
	if strings.Contains(dsn, "://") {
		if u, err := url.Parse(dsn); err == nil {
			u.Path, u.User = "/"+database, url.User(user)
			if password != "" {
				u.User = url.UserPassword(user, password)
			}
			query := u.Query()
			for _, key := range []string{"dbname", "database", "user", "password"} {
				query.Del(key) // they would win
			}
			u.RawQuery = query.Encode()
			return u.String()
		}
	}
	// Of a keyword that comes twice the last one counts.
	words := []string{dsn}
	for _, pair := range [][2]string{{"dbname", database}, {"user", user}, {"password", password}} {
		if pair[1] != "" {
			words = append(words, pair[0]+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(pair[1])+"'")
		}
	}
	return strings.Join(words, " ")
}
