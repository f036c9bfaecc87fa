package web_test

import (
	"fmt"
	"strings"
	"testing"

	"dossier.example/app"
)

// file is a file of a form.
type file struct{ name, data string }

// form is a filled-in form as a browser would send it.
type form struct {
	receipt, name, location, age, technology string
	files                                    []file
}

// with returns a form with files and a receipt of its own.
func (f form) with(files ...file) form {
	f.receipt, f.files = dossier.NewReceipt().String(), files
	return f
}

func (f form) parsed(t *testing.T) dossier.Receipt {
	t.Helper()
	r, err := dossier.ParseReceipt(f.receipt)
	if err != nil {
		t.Fatalf("receipt %q: %v", f.receipt, err)
	}
	return r
}

// some returns n files of different names and contents.
func some(n int) []file {
	files := make([]file, n)
	for i := range files {
		files[i] = file{fmt.Sprintf("letter-%02d.txt", i), fmt.Sprintf("Dear Charles, this is letter %d.", i)}
	}
	return files
}

// part is one part of a body, as it stands there.
type part struct{ header, data string }

func field(name, value string) part {
	return part{`Content-Disposition: form-data; name="` + escape.Replace(name) + `"`, value}
}

func attached(name, data string) part {
	return part{`Content-Disposition: form-data; name="files"; filename="` + escape.Replace(name) + `"` +
		"\r\nContent-Type: application/octet-stream", data}
}

func (f form) fields() []part {
	return []part{
		field("receipt", f.receipt), field("name", f.name), field("location", f.location), field("age", f.age),
		field("technology", f.technology),
	}
}

func (f form) parts() []part {
	parts := f.fields()
	for _, one := range f.files {
		parts = append(parts, attached(one.name, one.data))
	}
	if len(f.files) == 0 {
		parts = append(parts, notChosen)
	}
	return parts
}

func (f form) body() string { return encode(f.parts()...) }

// encode returns the body that consists of parts.
func encode(parts ...part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n" + p.header + "\r\n\r\n" + p.data + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.String()
}
