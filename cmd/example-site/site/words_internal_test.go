package site

import (
	"testing"
	"time"
)

func TestInWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                                 "1 second",
		time.Millisecond:                  "1 second",
		1500 * time.Millisecond:           "2 seconds",
		59*time.Second + 1:                "1 minute",
		61 * time.Second:                  "1 minute 1 second",
		90 * time.Second:                  "1 minute 30 seconds",
		2 * time.Minute:                   "2 minutes",
		time.Hour + 30*time.Minute:        "90 minutes",
		2 * time.Hour:                     "2 hours",
		23*time.Hour + time.Minute:        "24 hours",
		100*24*time.Hour - 30*time.Minute: "2400 hours",
	} {
		if got := inWords(wholeSeconds(d)); got != want {
			t.Errorf("%v is %q, wanted %q", d, got, want)
		}
	}
}

func TestDeviceName(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                     "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                            "Chrome on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":              "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":                      "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                               "Chrome on Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                             "Chrome on ChromeOS",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36":                              "Chromium on Linux",
		"Mozilla/5.0 (Linux; U)": "A browser on Linux",
		"curl/8.5.0":             "curl",
		"Go-http-client/1.1":     "Go-http-client",
		"":                       "Unknown device",
		"/":                      "Unknown device",
	} {
		if got := deviceName(agent); got != want {
			t.Errorf("%q is %q, wanted %q", agent, got, want)
		}
	}
}
