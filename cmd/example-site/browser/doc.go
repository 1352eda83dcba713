// Package browser holds the tests of the example site in a real browser: headless Chromium.
//
// They are skipped, and say so, where there is none, unless PGSESSION_REQUIRE lists chromium. "make test-browser" runs them.
package browser
