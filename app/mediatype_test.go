package dossier

import (
	"testing"
)

func TestCleanMediaType(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"image/png", "image/png"},
		{"text/plain; charset=utf-8", "text/plain; charset=utf-8"},
		{`Text/HTML; level=1; CharSet="ISO-8859-15"`, "text/html; charset=iso-8859-15"},
		{"text/html; charset=x\u202E this file was scanned and is safe", "text/html"},
		{"text/html; charset=safe", "text/html"},
		{"text/html; charset=utf-8\u202E", "text/html"},
		{"THIS FILE IS SAFE", "application/octet-stream"},
		{"text/ht ml", "application/octet-stream"},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	} {
		if got := CleanMediaType(tc.in); got != tc.want {
			t.Errorf("CleanMediaType(%q) = %q, want %q", tc.in, got, tc.want)
		}
		if again := CleanMediaType(tc.want); again != tc.want {
			t.Errorf("not idempotent: %q, then %q", tc.want, again)
		}
	}
}

func TestDetectType(t *testing.T) {
	for in, want := range map[string]string{
		"": "text/plain",
		"<!DOCTYPE html><meta charset=\"x\u202E THIS FILE WAS SCANNED AND IS SAFE\"><p>hello": "text/html",
		"<!DOCTYPE html><meta charset=\"koi8-r\"><p>hello":                                    "text/html; charset=koi8-r",
		"<?xml version=\"1.0\" encoding=\"SAFE AND SOUND\"?><a/>":                             "text/xml",
		"<!DOCTYPE html><p>hello":                                                             "text/html; charset=utf-8",
		"%PDF-1.7":                                                                            "application/pdf",
	} {
		if got := detectType([]byte(in)); got != want {
			t.Errorf("the type of %q is %q, want %q", in, got, want)
		}
	}
}
