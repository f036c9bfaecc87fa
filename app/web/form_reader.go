package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"regexp"
	"slices"
	"strings"
	"sync"

	"dossier.example/app"
)

// maxFieldBytes bounds a text field: 10,000 characters of any script fit, so that a field that is only over-long is
// told as a fault of that field.
const maxFieldBytes = 64 << 10

// errTooMuch says that more would have to be read and dropped than is allowed. What came before it was read well.
var errTooMuch = errors.New("too much to read and drop")

// fields are the text fields of the form by name, as they came: receiptField, and those of dossier.Fields.
type fields map[string]string

// receiptField is the name of the hidden field with the receipt.
const receiptField = "receipt"

// formReader reads the submission form, multipart/form-data, as a stream: first the text fields, in any order, then the
// files. Text fields of others may stand anywhere. Its memory does not depend on the size of the body. Errors are
// coded: CodeMalformed, codeTimeout; or errTooMuch.
type formReader struct {
	mr *multipartReader
	// parts is how many more parts are taken.
	parts int
	// drop is how many more bytes may be read and dropped.
	drop int64
	// between tells that mr stands at the end of a part's content.
	between bool
	// fields are those read so far; files tells that the first file has come.
	fields fields
	files  bool
}

// newFormReader returns a reader of a body with that Content-Type.
func newFormReader(contentType string, r io.Reader, parts int, drop int64) (*formReader, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/form-data" {
		return nil, malformed(err, "The form must be sent as multipart/form-data.")
	}
	boundary := params["boundary"]
	if len(boundary) == 0 || len(boundary) > 70 { // RFC 2046, section 5.1.1
		return nil, malformed(nil, "The form has no valid boundary between its parts.")
	}
	f := &formReader{mr: newMultipartReader(r, boundary), parts: parts, drop: drop, fields: fields{}}
	return f, f.preamble()
}

// preamble drops what stands before the first part.
func (f *formReader) preamble() error {
	n, err := io.CopyN(io.Discard, f.mr, maxPartHeaderBytes+1)
	switch {
	case n > maxPartHeaderBytes:
		return tooLong()
	case err != io.EOF:
		return bodyFault(err)
	}
	f.between = true
	return nil
}

// begin reads the text fields, up to the first file, which is returned (nil: the form ended without any).
func (f *formReader) begin() (fields, *filePart, error) {
	for {
		field, file, err := f.next()
		if err != nil {
			return f.fields, nil, err
		}
		if field == "" {
			if _, ok := f.fields[receiptField]; !ok {
				return f.fields, nil,
					malformed(nil, `The field "receipt" is missing, or came after the files. Load the form again.`)
			}
			return f.fields, file, nil
		}
		if f.fields[field], err = f.text(); err != nil {
			return f.fields, nil, err
		}
	}
}

// text reads a text field.
func (f *formReader) text() (string, error) {
	text, err := io.ReadAll(io.LimitReader(f.mr, maxFieldBytes+1))
	if err != nil {
		return "", bodyFault(err)
	}
	if len(text) > maxFieldBytes {
		return "", malformed(nil, "A field is longer than %s.", dossier.FormatLimit(maxFieldBytes))
	}
	return string(text), nil
}

// nextFile returns the next file, nil after the last. What is left of the file before is dropped.
func (f *formReader) nextFile() (*filePart, error) {
	_, file, err := f.next()
	return file, err
}

// next moves to the next part and returns the name of a text field, or a file, or neither at the end. Places in the
// form where no file was chosen are passed over, and so are text fields of others, which extensions of browsers add to
// forms. A file in another field would be lost without a word, so it is refused.
func (f *formReader) next() (string, *filePart, error) {
	for {
		if err := f.skip(); err != nil {
			return "", nil, err
		}
		header, err := f.mr.next()
		if err == io.EOF {
			return "", nil, f.end()
		}
		if err != nil {
			return "", nil, bodyFault(err)
		}
		f.between = false
		if f.parts--; f.parts < 0 {
			return "", nil, malformed(nil, "The form has too many parts. Send fewer files at once.")
		}
		name, fileName, isFile, ok := disposition(header)
		switch {
		case !ok:
			return "", nil, malformed(nil, "A part of the form does not say which field it is.")
		case name != "files" && ofForm(name):
			return name, nil, f.expect(name, isFile)
		case name != "files" && !isFile:
			if _, err := f.text(); err != nil {
				return "", nil, err
			}
			continue
		}
		file, err := f.file(fileName)
		if err != nil {
			return "", nil, err
		}
		if file != nil && name != "files" {
			return "", nil, malformed(nil, `The form has a file in an unknown field. Files go in the field "files".`)
		}
		f.files = f.files || name == "files"
		if file != nil {
			return "", file, nil
		}
	}
}

// file returns the file that begins here; nil if there is none: browsers send an empty part for a file field in which
// nothing was chosen.
func (f *formReader) file(name string) (*filePart, error) {
	if name != "" {
		return &filePart{name: name, r: f.mr}, nil
	}
	var first [1]byte
	switch _, err := io.ReadFull(f.mr, first[:]); err {
	case nil:
		return &filePart{r: io.MultiReader(bytes.NewReader(first[:]), f.mr)}, nil
	case io.EOF:
		f.between = true
		return nil, nil
	default:
		return nil, bodyFault(err)
	}
}

// ofForm reports whether a name is that of one of the form's text fields.
func ofForm(name string) bool {
	return name == receiptField ||
		slices.ContainsFunc(dossier.Fields, func(one dossier.Field) bool { return one.Name == name })
}

// expect refuses a text field of the form that stands where it should not.
func (f *formReader) expect(name string, isFile bool) error {
	_, seen := f.fields[name]
	switch {
	case isFile:
		return malformed(nil, "The field %q must be text, not a file.", name)
	case f.files:
		return malformed(nil, "The field %q came after the files. All text fields must come first.", name)
	case seen:
		return malformed(nil, "The field %q was sent twice.", name)
	}
	return nil
}

// skip drops what is left of the current part.
func (f *formReader) skip() error {
	if f.between {
		return nil
	}
	n, err := io.CopyN(io.Discard, f.mr, f.drop+1)
	f.drop -= n
	switch {
	case err == nil:
		return errTooMuch
	case err != io.EOF:
		return bodyFault(err)
	}
	f.between = true
	return nil
}

// end sees to it that the body ends where the form ends: a body that was cut off behind the last part is still cut off.
func (f *formReader) end() error {
	if err := f.mr.rest(); err != nil {
		return bodyFault(err)
	}
	return nil
}

// bodyFault returns an error of reading the form as a coded one.
func bodyFault(err error) error {
	var coded *dossier.Error
	if errors.As(err, &coded) {
		return coded
	}
	return malformed(err, "The form was cut off or is damaged. Nothing in it was stored. Send it again.")
}

// filePart is a file on its way.
type filePart struct {
	// name is what the sender calls it, not cleaned; empty where it has none.
	name string

	mu     sync.Mutex
	r      io.Reader
	closed bool
	err    error
}

// Read fills p as far as the file goes: the multipart reader hands out what has just arrived, too little for a store.
func (p *filePart) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, errors.New("read of a file that was given up")
	}
	n := 0
	for n < len(b) && p.err == nil {
		var m int
		m, p.err = p.r.Read(b[n:])
		n += m
		if p.err != nil && p.err != io.EOF {
			p.err = bodyFault(p.err)
		}
	}
	if n > 0 || len(b) == 0 {
		return n, nil
	}
	return 0, p.err
}

// close ends the reading and returns the sender's fault that ended it, if any. A store that gave up may still be
// reading from another goroutine; close waits for that read, which the body's deadlines bound, and allows no other.
func (p *filePart) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.err == io.EOF {
		return nil
	}
	return p.err
}

// plainDisposition is what browsers send (https://html.spec.whatwg.org/#multipart-form-data): a quote in a value comes
// as %22, and a backslash is a backslash.
var plainDisposition = regexp.MustCompile(`^form-data; name="([^"]*)"(; filename="([^"]*)")?$`)

// quotedDisposition is what some clients send that escape nothing: the file's name holds quotes, and ends at the last.
var quotedDisposition = regexp.MustCompile(`(?is)^form-data;\s*name="([^"]*)";\s*filename="(.*)"\s*$`)

// unescapeName undoes what browsers escape in names, and nothing else: a name that holds such a sequence itself cannot
// be told from one that was escaped.
var unescapeName = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n")

// disposition reads the Content-Disposition of a part. Values with quoted pairs, which other clients send, are read by
// RFC 2183.
func disposition(header string) (name, fileName string, isFile, ok bool) {
	if m := plainDisposition.FindStringSubmatch(header); m != nil {
		name, fileName, isFile = m[1], m[3], m[2] != ""
	} else {
		mediaType, params, err := mime.ParseMediaType(header)
		if m := quotedDisposition.FindStringSubmatch(header); err != nil && m != nil {
			return m[1], m[2], true, true
		}
		if err != nil || mediaType != "form-data" {
			return "", "", false, false
		}
		name = params["name"]
		fileName, isFile = params["filename"]
	}
	return unescapeName.Replace(name), unescapeName.Replace(fileName), isFile, true
}
