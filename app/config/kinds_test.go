package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app/bounds"
	"dossier.example/app/setting"
)

// A value that is taken is within its bounds, and reading what is shown of it gives it again.

func FuzzSize(f *testing.F) {
	for _, s := range []string{"5GiB", "500 MB", "1.5KiB", "52428800000", "0.4B", "5,5GB", "٣GB", "1e9", "99999999999999999999TB"} {
		f.Add(s)
	}
	k := setting.Size(1, bounds.MaxFileBytes, "the most")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := k.Parse(s)
		if err != nil {
			return
		}
		if n < 1 || n > bounds.MaxFileBytes {
			t.Errorf("%q became %d", s, n)
		}
		if again, err := k.Parse(k.Format(n)); err != nil || again != n {
			t.Errorf("%q: %d became %d, %v", s, n, again, err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"30s", "1h30m", "0", "-1s", "1h0m1s", "100h", "1.5h", "∞", "9999999h"} {
		f.Add(s)
	}
	k := durationOrOff(time.Second, 100*time.Hour)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := k.Parse(s)
		if err != nil {
			return
		}
		if d != 0 && (d < time.Second || d > 100*time.Hour) {
			t.Errorf("%q became %s", s, d)
		}
		if again, err := k.Parse(k.Format(d)); err != nil || again != d {
			t.Errorf("%q: %s became %s, %v", s, d, again, err)
		}
	})
}

func FuzzPrefixes(f *testing.F) {
	for _, s := range []string{"10.0.0.0/16", "10.0.0.0/16, 2001:db8::/32,192.0.2.7", "::/0", "::ffff:1.2.3.4", "fe80::1%eth0", ","} {
		f.Add(s)
	}
	k := prefixes()
	f.Fuzz(func(t *testing.T, s string) {
		list, err := k.Parse(s)
		if err != nil {
			return
		}
		for _, p := range list {
			if !p.IsValid() || p.Bits() == 0 || p != p.Masked() || p.Addr().Is4In6() || !p.Contains(p.Addr()) {
				t.Errorf("%q gave %s", s, p)
			}
		}
		if again, err := k.Parse(k.Format(list)); err != nil || k.Format(again) != k.Format(list) {
			t.Errorf("%q: %s became %s, %v", s, k.Format(list), k.Format(again), err)
		}
	})
}

func FuzzOrigin(f *testing.F) {
	for _, s := range []string{"https://files.example.org", "HTTP://X.org:080/", "http://[::1]:8080", "https://a@b", "https://x.org:443", "https://1.2.3"} {
		f.Add(s)
	}
	k := origin()
	f.Fuzz(func(t *testing.T, s string) {
		o, err := k.Parse(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(o, "@?# \t\r\n") || strings.Count(o, "/") != 2 {
			t.Errorf("%q became %q", s, o)
		}
		if again, err := k.Parse(o); err != nil || again != o {
			t.Errorf("%q: %s became %s, %v", s, o, again, err)
		}
	})
}

func FuzzOrigins(f *testing.F) {
	for _, s := range []string{"https://a.example", "https://a.example, http://b.example:80,https://a.example:443", "*", "null", ",", "https://a.example,"} {
		f.Add(s)
	}
	k := origins()
	f.Fuzz(func(t *testing.T, s string) {
		list, err := k.Parse(s)
		if err != nil {
			return
		}
		for i, o := range list {
			if strings.ContainsAny(o, "*@?#, \t\r\n") || strings.Count(o, "/") != 2 || slices.Contains(list[:i], o) {
				t.Errorf("%q gave %q", s, list)
			}
		}
		if again, err := k.Parse(k.Format(list)); err != nil || !slices.Equal(again, list) {
			t.Errorf("%q: %q became %q, %v", s, list, again, err)
		}
	})
}

// A type of files that no bytes are taken for is refused, with the one that is meant where that is known.
func TestFileTypesAreRecognized(t *testing.T) {
	k := fileTypes()
	for value, want := range map[string]string{
		"*/*":                        "",
		"application/pdf, image/*":   "",
		"application/docx":           "write application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"image/png,application/xlsx": "write application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/x-pdf":          "write application/pdf",
		"image/jpg":                  "write image/jpeg",
		"application/csv":            "write text/csv",
		"text/plian":                 "no file is recognized as text/plian",
		"pictures/*":                 "no file is recognized as pictures/*",
	} {
		_, err := k.Parse(value)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", value, err, want)
		}
	}
	for name, one := range officeTypes {
		if err := recognized(one); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One type of each group is recognized, so the group is.
	for i, one := range []string{"*/*", "application/pdf", "audio/mpeg", "font/ttf", "image/png", "message/rfc822",
		"model/gltf-binary", "text/plain", "video/mp4"} {
		if group, _, _ := strings.Cut(one, "/"); group != typeGroups[i] || recognized(one) != nil {
			t.Errorf("group %s: %s: %v", typeGroups[i], one, recognized(one))
		}
	}
}
