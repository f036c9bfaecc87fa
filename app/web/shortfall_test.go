package web_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/bounds"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

// What the page of a submission that is kept in part says of each kind of reason.
const (
	saysLimit   = "One submission takes up to 3 files of up to 1 kB each."
	saysNoRoom  = "There is no room for more."
	saysRoom    = "There is room for "
	saysAgain   = "wait a minute, go back in your browser and send the same form again"
	saysOthers  = "To add what failed for another reason, " + saysAgain
	saysMissing = "A file that is not listed here did not arrive."
)

// A form is stored in part, for every mixture of reasons. What decides is whether sending the same again can help: only
// then it is an outage, to be waited for, and an error in the log.
func TestKeptInPart(t *testing.T) {
	t.Parallel()
	big := func(name string, n int) file { return file{name, strings.Repeat("z", n)} }
	three, four := some(3), some(4)
	// One more than are held to be sent together.
	var more []file
	var names []string
	for i := range bounds.FormHandful/dossier.SmallBytes + 1 {
		more = append(more, big(fmt.Sprintf("%02d", i), dossier.SmallBytes-i))
		names = append(names, more[i].name)
	}
	atPut := func(nth int, m mode) func(teststores.Stores) teststores.Stores {
		puts := 0
		f := teststores.NewFaults(func(_ int, call string) mode {
			if call == "objects.Put" {
				if puts++; puts == nth {
					return m
				}
			}
			return sound
		})
		return f.Wrap
	}
	bend := func(s teststores.Stores) teststores.Stores {
		s.Objects = bending{s.Objects}
		return s
	}
	quotaText := func(files, bytes string) string {
		return "One person can have up to " + files + ", and " + bytes +
			" in total, including what is still being sent."
	}
	const (
		conflict = http.StatusConflict
		tooLarge = http.StatusRequestEntityTooLarge
		outage   = http.StatusServiceUnavailable
	)
	tests := []struct {
		name string
		// person is what one may have; a form may carry most files, 3 unless set, of each bytes, 1,000 unless set.
		person dossier.Quota
		each   int64
		most   int
		drain  int64
		wrap   func(teststores.Stores) teststores.Stores
		// before was stored by an earlier form of the person.
		before, files []file
		status        int
		stored        []string
		missing       []string
		says, not     []string
	}{
		{
			name: "over the number of files", person: dossier.Quota{Files: 2, Bytes: 5000}, files: three,
			status: conflict, stored: []string{three[0].name, three[1].name}, missing: []string{three[2].name},
			says: []string{"2 of 3 files", quotaText("2 files", "5 kB"), saysNoRoom, "make another submission"},
			not:  []string{saysLimit, saysMissing},
		},
		{
			name: "over the number of files with the first one", person: dossier.Quota{Files: 2, Bytes: 5000},
			before: three[:2], files: three[2:],
			status: conflict, missing: []string{three[2].name},
			says: []string{"0 of 1 file", saysNoRoom}, not: []string{saysLimit, saysMissing},
		},
		{
			name: "over the bytes in the middle of the only file", person: dossier.Quota{Files: 9, Bytes: 500},
			files:  []file{big("big", 900)},
			status: conflict, missing: []string{"big"},
			says: []string{"0 of 1 file", quotaText("9 files", "500 B"), saysRoom + "9 files more, of 500 B together"},
			not:  []string{saysLimit, saysMissing},
		},
		{
			name:   "over the bytes in the middle of a file, and a smaller one fits",
			person: dossier.Quota{Files: 9, Bytes: 500},
			before: []file{big("there", 200)}, files: []file{big("big", 900), big("small", 100)},
			status: conflict, stored: []string{"small"}, missing: []string{"big"},
			says: []string{"1 of 2 files", saysRoom + "7 files more, of 200 B together"},
			not:  []string{saysLimit, saysMissing},
		},
		{
			name: "over the bytes by more than is read past", person: dossier.Quota{Files: 9, Bytes: 100},
			each: 2 << 20, drain: 200,
			files: []file{big("small", 50), big("big", 1<<20), big("never", 10)}, status: conflict,
			stored: []string{"small"}, missing: []string{"big"},
			says: []string{"1 of 2 files", quotaText("9 files", "100 B"), saysMissing}, not: []string{"One submission"},
		},
		{
			// Of a large file: a small one is counted once.
			name: "the last bytes go to another form", person: dossier.Quota{Files: 9, Bytes: 5_000_000},
			each: 100_000, files: []file{big("big", 40_000)}, status: conflict,
			wrap: func(s teststores.Stores) teststores.Stores {
				reserved := 0
				return s.Intercept(func(_ context.Context, call string, do func() error) error {
					if call == "catalog.Reserve" {
						if reserved++; reserved == 2 {
							return dossier.ErrQuota
						}
					}
					return do()
				})
			},
			missing: []string{"big"}, says: []string{"0 of 1 file", quotaText("9 files", "5 MB")},
			not: []string{saysLimit},
		},
		{
			name:   "over the number of files, and what is left is not known",
			person: dossier.Quota{Files: 2, Bytes: 5000}, files: three,
			wrap: teststores.Every("catalog.Usage", failBefore).Wrap, status: conflict,
			stored: []string{three[0].name, three[1].name}, missing: []string{three[2].name},
			says: []string{quotaText("2 files", "5 kB"), "make another submission"},
			not:  []string{saysNoRoom, saysRoom, "injected"},
		},
		{
			name: "over the quota, and too large", person: dossier.Quota{Files: 9, Bytes: 1500},
			files: []file{big("huge", 1200), big("first", 800), big("second", 900)}, status: conflict,
			stored: []string{"first"}, missing: []string{"huge", "second"},
			says: []string{"1 of 3 files", saysLimit, quotaText("9 files", "1.5 kB")},
		},
		{
			name: "over the quota, and too many at once", person: dossier.Quota{Files: 2, Bytes: 5000}, files: some(4),
			status: conflict, stored: []string{three[0].name, three[1].name},
			missing: []string{three[2].name, some(4)[3].name},
			says:    []string{"2 of 4 files", saysLimit, saysNoRoom},
		},
		{
			name: "too large", files: []file{big("huge", 1200), three[0]}, status: tooLarge,
			stored: []string{three[0].name}, missing: []string{"huge"},
			says: []string{"1 of 2 files", saysLimit}, not: []string{"One person", saysMissing},
		},
		{
			name: "too large by more than is read past", each: 512 << 10, drain: 200,
			files:  []file{three[0], big("huge", 1<<20), three[1]},
			status: tooLarge, stored: []string{three[0].name}, missing: []string{"huge"},
			says: []string{"One submission takes up to 3 files of up to 524 kB each.", saysMissing},
			not:  []string{"One person"},
		},
		{
			name: "too many at once", files: some(4), status: tooLarge,
			stored: []string{three[0].name, three[1].name, three[2].name}, missing: []string{some(4)[3].name},
			says: []string{"3 of 4 files", saysLimit}, not: []string{"One person"},
		},
		{
			name: "the store is down", wrap: atPut(2, failBefore), files: three, status: outage,
			stored: []string{three[0].name}, missing: []string{three[1].name, three[2].name},
			says: []string{"To add what is missing, " + saysAgain}, not: []string{"One person", saysLimit},
		},
		{
			// Small files are sent before the next one that is not held with them.
			name: "the store is down for a small file before a large one", wrap: atPut(1, failBefore), each: 100_000,
			files: []file{three[0], big("big", 40_000), three[1]}, status: outage,
			missing: []string{three[0].name, "big", three[1].name}, says: []string{"0 of 3 files", saysAgain},
		},
		{
			name: "the store is down for small files before one too many", wrap: atPut(1, failBefore), files: four,
			status: outage, missing: []string{four[0].name, four[1].name, four[2].name, four[3].name},
			says: []string{"0 of 4 files", saysAgain},
		},
		{
			name: "the store is down for more small files than are held", wrap: atPut(1, failBefore), each: 100_000,
			most: len(more), files: more, status: outage, missing: names,
			says: []string{fmt.Sprintf("0 of %d files", len(more)), saysAgain},
		},
		{
			name: "over the quota, and the store is down", person: dossier.Quota{Files: 9, Bytes: 500},
			wrap:  atPut(2, failBefore),
			files: []file{big("big", 900), three[0], three[1]}, status: outage,
			missing: []string{"big", three[0].name, three[1].name},
			says:    []string{"0 of 3 files", quotaText("9 files", "500 B"), saysOthers},
			not:     []string{saysLimit},
		},
		{
			name: "over the quota, and changed on its way", person: dossier.Quota{Files: 9, Bytes: 500}, wrap: bend,
			files: []file{big("big", 900), {"bent", "bend me"}, three[0]}, status: outage,
			stored: []string{three[0].name}, missing: []string{"bent", "big"},
			says: []string{"1 of 3 files", quotaText("9 files", "500 B"), saysOthers},
			not:  []string{saysLimit},
		},
		{
			name: "too large, and changed on its way", wrap: bend,
			files:  []file{big("huge", 1200), {"bent", "bend me"}},
			status: outage, missing: []string{"bent", "huge"},
			says: []string{saysLimit, saysOthers},
			not:  []string{"One person"},
		},
		{
			name: "over the quota, too large, and the store is down", person: dossier.Quota{Files: 9, Bytes: 900},
			wrap:  atPut(2, failBefore), // the first file is not sent at all
			files: []file{big("huge", 1200), big("big", 950), three[0]}, status: outage,
			missing: []string{"big", "huge", three[0].name},
			says:    []string{"0 of 3 files", quotaText("9 files", "900 B"), saysAgain},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			limits := dossier.Limits{FileBytes: cmp.Or(test.each, 1000), Files: cmp.Or(test.most, 3),
				PersonFiles: int(test.person.Files), PersonBytes: test.person.Bytes}
			s := open(t, setup{domain: dossier.Options{Limits: limits}, web: web.Options{DrainBytes: test.drain},
				wrap: test.wrap})
			f := ada.with(test.before...)
			if len(test.before) > 0 {
				s.mustAccept(s.submit(f), f)
			}
			f.files = test.files
			a := s.submit(f)
			a.must(t, test.status, "Some files are missing", "Your details are stored", "/receipt#"+f.receipt, ada.name)
			a.must(t, test.status, test.says...)
			a.mustNot(t, test.not...)
			stored, missing := a.told(t)
			if !slices.Equal(stored, test.stored) {
				t.Errorf("the page tells %q as stored, want %q", stored, test.stored)
			}
			names := slices.Sorted(maps.Keys(missing))
			if !slices.Equal(names, slices.Sorted(slices.Values(test.missing))) {
				t.Errorf("the page tells %q as missing, want %q", names, test.missing)
			}
			for name, why := range missing {
				if why == "" {
					t.Errorf("the page does not say why %s is missing", name)
				}
			}
			line, wait := s.line(a.id()), a.header.Get("Retry-After")
			told, _ := line["err"].(string)
			if test.status == outage {
				if wait == "" || line["level"] != "ERROR" || told == "" ||
					strings.Contains(told, "quota") || strings.Contains(told, "too_large") {
					t.Errorf("an outage is told with Retry-After %q, and in the log as %v", wait, line)
				}
			} else {
				a.mustNot(t, "wait", "Wait", "minute", "same form again")
				if wait != "" || line["level"] != "INFO" || told != "" {
					t.Errorf("a bound is told with Retry-After %q, and in the log as %v", wait, line)
				}
			}
			kept := test.before
			for _, one := range test.files {
				if slices.Contains(test.stored, one.name) {
					kept = append(kept, one)
				}
			}
			s.mustHave(f, kept...)
		})
	}
}
