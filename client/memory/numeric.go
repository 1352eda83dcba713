package memory

import (
	"strconv"
	"strings"
)

// The bounds of PostgreSQL's numeric, in digits before and after the point.
const (
	numericDigits = 131072
	numericScale  = 16383
)

// numeric writes a JSON number as PostgreSQL's numeric does: without an exponent, with the digits after the point that were given,
// without a negative zero. It returns false for a number out of range.
func numeric(text string) (string, bool) {
	number, negative := strings.CutPrefix(text, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift > 2*numericDigits || shift < -2*numericDigits {
			return "", false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	scale := max(0, len(fraction)-shift)
	if scale > numericScale {
		return "", false
	}
	digits := whole + fraction
	point := len(whole) + shift // where in digits the point goes
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	if point < 1 {
		digits = strings.Repeat("0", 1-point) + digits
		point = 1
	}
	whole, fraction = strings.TrimLeft(digits[:point], "0"), digits[point:]
	if len(whole) > numericDigits {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	if scale > 0 {
		whole += "." + fraction
	}
	if negative && strings.Trim(whole, "0.") != "" {
		whole = "-" + whole
	}
	return whole, true
}
