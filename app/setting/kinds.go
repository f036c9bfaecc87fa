package setting

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrNot says no more than that a value is not what is allowed.
var ErrNot = errors.New("")

// Itself shows a text as it is.
func Itself(s string) string { return s }

// Text accepts what wholly matches a pattern.
func Text(allowed, pattern string) Kind[string] {
	re := regexp.MustCompile(`\A(?:` + pattern + `)\z`)
	return Kind[string]{
		Allowed: allowed,
		Parse: func(s string) (string, error) {
			if !utf8.ValidString(s) || !re.MatchString(s) {
				return "", ErrNot
			}
			return s, nil
		},
		Format: Itself,
	}
}

// Number accepts a whole number within bounds.
func Number(least, most int) Kind[int] {
	return Whole(fmt.Sprintf("a whole number from %d to %d", least, most), func(n int) bool {
		return n >= least && n <= most
	})
}

// digits is stricter than strconv, which accepts a sign too.
var digits = regexp.MustCompile(`^[0-9]{1,10}$`)

// Whole accepts the whole numbers that are good.
func Whole(allowed string, good func(int) bool) Kind[int] {
	return Kind[int]{
		Allowed: allowed,
		Parse: func(s string) (int, error) {
			n, err := strconv.Atoi(s)
			if err != nil || !digits.MatchString(s) || !good(n) {
				return 0, ErrNot
			}
			return n, nil
		},
		Format: strconv.Itoa,
	}
}

// Boolean accepts true or false.
func Boolean() Kind[bool] {
	return Kind[bool]{
		Allowed: "true or false",
		Parse: func(s string) (bool, error) {
			if s != "true" && s != "false" {
				return false, ErrNot
			}
			return s == "true", nil
		},
		Format: strconv.FormatBool,
	}
}

// OneOf accepts one of some words.
func OneOf[T ~string](words ...T) Kind[T] {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	return Kind[T]{
		Allowed: Alternatives(names),
		Parse: func(s string) (T, error) {
			if !slices.Contains(words, T(s)) {
				return "", ErrNot
			}
			return T(s), nil
		},
		Format: func(v T) string { return string(v) },
	}
}

// Duration accepts a time within bounds, a multiple of step. The text such names it, with examples.
func Duration(such string, step, least, most time.Duration) Kind[time.Duration] {
	return Kind[time.Duration]{
		Allowed: fmt.Sprintf("%s, from %s to %s", such, Short(least), Short(most)),
		Parse: func(s string) (time.Duration, error) {
			d, err := time.ParseDuration(s)
			if err != nil || d < least || d > most || d%step != 0 {
				return 0, ErrNot
			}
			return d, nil
		},
		Format: Short,
	}
}

// Short shows a duration without units that are nought: 6h, not 6h0m0s.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// units are those of sizes, in lower case.
var units = map[string]int64{
	"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
	"tib": 1 << 40,
}

// sizeForm wants a unit with its B: 5G is read as decimal by some programs and as binary by others.
var sizeForm = regexp.MustCompile(`^(?i:([0-9]{1,20})|([0-9]{1,20}(?:\.[0-9]{1,20})?) ?((?:[kmgt]i?)?b))$`)

// Size accepts a number of bytes within bounds, in decimal or binary units.
func Size(least, most int64, mostShown string) Kind[int64] {
	from := Bytes(least)
	if least < 1<<10 {
		from += " byte"
	}
	return Kind[int64]{
		Allowed: fmt.Sprintf("a size such as 5GiB, 500MB or 1048576, from %s to %s", from, mostShown),
		Parse: func(s string) (int64, error) {
			m := sizeForm.FindStringSubmatch(s)
			if m == nil {
				return 0, ErrNot
			}
			n, ok := new(big.Rat).SetString(m[1] + m[2])
			if !ok {
				return 0, ErrNot
			}
			n.Mul(n, new(big.Rat).SetInt64(units[strings.ToLower(m[3])]))
			whole := new(big.Int).Quo(n.Num(), n.Denom())
			if !whole.IsInt64() || whole.Int64() < least || whole.Int64() > most {
				return 0, ErrNot
			}
			return whole.Int64(), nil
		},
		Format: func(n int64) string { return strconv.FormatInt(n, 10) },
	}
}

// Bytes writes a size as Size accepts it: in the largest binary unit of which it is a multiple.
func Bytes(n int64) string {
	unit := ""
	for _, larger := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if n == 0 || n%(1<<10) != 0 {
			break
		}
		n, unit = n>>10, larger
	}
	return strconv.FormatInt(n, 10) + unit
}
