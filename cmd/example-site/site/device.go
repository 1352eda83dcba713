package site

import "strings"

// mark is what tells a program or a system in a User-Agent.
type mark struct{ text, name string }

// deviceName tells a person what a User-Agent is, as well as a few words of it can. Order matters: browsers name those that they
// want to be taken for.
func deviceName(agent string) string {
	browser := named(agent, []mark{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"HeadlessChrome/", "Chromium"},
		{"Chrome/", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	})
	system := named(agent, []mark{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	})
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return browser
	case system != "":
		return "A browser on " + system
	}
	if product, _, _ := strings.Cut(agent, "/"); product != "" && len(product) <= 40 {
		return product
	}
	return "Unknown device"
}

func named(agent string, marks []mark) string {
	for _, m := range marks {
		if strings.Contains(agent, m.text) {
			return m.name
		}
	}
	return ""
}
