package web

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
)

// sentFile is a file as the form reader hands it out.
type sentFile struct{ name, data string }

// escapeName is what browsers do to names (https://html.spec.whatwg.org/#multipart-form-data).
var escapeName = strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")

// told returns what is left of a name after a browser wrote it: a name that holds an escape itself is not told from an
// escaped one.
func told(name string) string { return unescapeName.Replace(escapeName.Replace(name)) }

// readForm reads a whole form.
func readForm(r io.Reader, boundary string, parts int, drop int64) (fields, []sentFile, error) {
	return readFormBy(io.ReadAll, r, boundary, parts, drop)
}

// inLargePieces is io.ReadAll with reads of the size from which on the form's buffer is passed by.
func inLargePieces(r io.Reader) ([]byte, error) {
	var whole bytes.Buffer
	_, err := io.CopyBuffer(struct{ io.Writer }{&whole}, r, make([]byte, 2*bodyBuffer))
	return whole.Bytes(), err
}

// readFormBy reads a whole form, each file by the given function.
func readFormBy(all func(io.Reader) ([]byte, error), r io.Reader, boundary string, parts int, drop int64) (fields,
	[]sentFile, error) {
	f, err := newFormReader("multipart/form-data; boundary="+boundary, r, parts, drop)
	if err != nil {
		return fields{}, nil, err
	}
	typed, file, err := f.begin()
	var files []sentFile
	for err == nil && file != nil {
		var data []byte
		if data, err = all(file); err != nil {
			break
		}
		if err = file.close(); err != nil {
			break
		}
		files = append(files, sentFile{file.name, string(data)})
		file, err = f.nextFile()
	}
	return typed, files, err
}

// writeForm writes a form by the standard library, with names escaped as browsers do.
func writeForm(t *testing.T, boundary string, typed fields, files []sentFile) string {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary); err != nil {
		t.Fatal(err)
	}
	write := func(disposition, value string) {
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(p, value); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range typed {
		write(`form-data; name="`+name+`"`, value)
	}
	for _, one := range files {
		write(`form-data; name="files"; filename="`+escapeName.Replace(one.name)+`"`, one.data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// counter counts what is read, in pieces of at most a few bytes.
type counter struct {
	r     io.Reader
	piece int
	n     int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p[:min(len(p), c.piece)])
	c.n += n
	return n, err
}

// FuzzForm: whatever comes, the reader ends with a coded error or with a form, takes no more from an endless body than
// its bounds allow, gives the same for any division into pieces, and what it accepts comes out the same after the
// standard library wrote it anew. What the standard library reads as such a form it reads alike.
func FuzzForm(f *testing.F) {
	const boundary = "B0undary"
	whole := "--B0undary\r\nContent-Disposition: form-data; name=\"receipt\"\r\n\r\nR\r\n" +
		"--B0undary\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n" +
		"--B0undary\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a%22b.txt\"\r\nContent-Type: " +
		"text/plain\r\n\r\none\r\n--B0\r\n" +
		"\r\n--B0undary\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\"\r\n\r\n\r\n--B0undary--\r\n"
	f.Add([]byte(whole), uint8(1))
	f.Add([]byte("preamble\r\n"+whole+"epilogue"), uint8(7))
	f.Add([]byte(strings.ReplaceAll(whole, "a%22b.txt", "a\x00\x1b\u202E\xff.txt")), uint8(3))
	f.Add([]byte(strings.ReplaceAll(whole, `filename="a%22b.txt"`, `filename="a\"b.txt"; x=y`)), uint8(200))
	f.Add([]byte(strings.ReplaceAll(whole, `form-data; name`, "form-data;\r\n name")), uint8(2))
	f.Add([]byte(strings.ReplaceAll(whole, "\r\n\r\nAda\r\n", "\r\n\r\n")), uint8(9))
	f.Add([]byte(strings.ReplaceAll(whole, "--B0undary\r\n", "--B0undary \t\r\n")), uint8(9))
	f.Add([]byte(strings.ReplaceAll(whole, "\r\n", "\n")), uint8(9))
	f.Add([]byte("--B0undary--"), uint8(0))
	f.Add([]byte(strings.Repeat("--B0undary\r\n\r\n", 20)), uint8(0))
	f.Fuzz(func(t *testing.T, body []byte, piece uint8) {
		const parts, drop = 20, 1 << 10
		typed, files, err := readForm(bytes.NewReader(body), boundary, parts, drop)
		again, filesAgain, errAgain := readForm(&counter{r: bytes.NewReader(body), piece: int(piece) + 1}, boundary,
			parts, drop)
		if !maps.Equal(typed, again) || !slices.Equal(files, filesAgain) || (err == nil) != (errAgain == nil) {
			t.Fatalf("whole: %q %q %v\nin pieces: %q %q %v", typed, files, err, again, filesAgain, errAgain)
		}
		again, filesAgain, errAgain = readFormBy(inLargePieces,
			&counter{r: bytes.NewReader(body), piece: int(piece) + 1}, boundary, parts, drop)
		if !maps.Equal(typed, again) || !slices.Equal(files, filesAgain) || (err == nil) != (errAgain == nil) {
			t.Fatalf("whole: %q %q %v\ninto large pieces: %q %q %v", typed, files, err, again, filesAgain, errAgain)
		}
		if err != nil {
			var coded *dossier.Error
			if !errors.As(err, &coded) || coded.Code != dossier.CodeMalformed || coded.Message == "" {
				t.Fatalf("error is %#v", err)
			}
		}

		// Followed by bytes without end, and read as by a form that drops its files, the reader stops.
		endless := &counter{r: io.MultiReader(bytes.NewReader(body), zeros{}), piece: 1 << 20}
		if r, err := newFormReader("multipart/form-data; boundary="+boundary, endless, parts, drop); err == nil {
			_, file, err := r.begin()
			for err == nil && file != nil {
				file, err = r.nextFile()
			}
			if err == nil {
				t.Fatal("a body without end was read as a form")
			}
		}
		if most := len(body) + maxFieldBytes + 2*maxPartHeaderBytes + drop + 2*bodyBuffer; endless.n > most {
			t.Fatalf("%d bytes were read of a body of %d bytes followed by zeros", endless.n, len(body))
		}

		if err != nil {
			return
		}
		if fitting(typed, files, boundary) {
			rewritten := writeForm(t, boundary, typed, files)
			typed2, files2, err := readForm(strings.NewReader(rewritten), boundary, parts, drop)
			for i := range files {
				files[i].name = told(files[i].name)
			}
			if err != nil || !maps.Equal(typed2, typed) || !slices.Equal(files2, files) {
				t.Fatalf("read %q %q,\nwritten anew %q %q, %v", typed, files, typed2, files2, err)
			}
		}
		compareWithLibrary(t, body, boundary, typed, files)
	})
}

// fitting reports whether a form can be written with the boundary: none of its contents holds it, and no file is
// nameless and empty, which is a place where none was chosen.
func fitting(typed fields, files []sentFile, boundary string) bool {
	all := strings.Join(slices.Collect(maps.Values(typed)), "")
	for _, one := range files {
		if one.name == "" && one.data == "" {
			return false
		}
		all += one.name + one.data
	}
	return !strings.Contains(all, boundary)
}

// compareWithLibrary compares what was read with what the standard library reads, where it reads the body at all. It is
// laxer about line breaks, and stricter about headers.
func compareWithLibrary(t *testing.T, body []byte, boundary string, typed fields, files []sentFile) {
	t.Helper()
	if bytes.Contains(bytes.ReplaceAll(body, []byte("\r\n"), nil), []byte("\n")) {
		return
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	var got []string
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return
		}
		name, fileName, _, ok := disposition(p.Header.Get("Content-Disposition"))
		if !ok {
			return
		}
		if name == "files" && (fileName != "" || len(data) > 0) {
			got = append(got, told(fileName)+"\x00"+string(data))
		} else if name != "files" && len(data) > 0 {
			got = append(got, name+"\x00"+string(data))
		}
	}
	var want []string
	for name, value := range typed {
		if value != "" {
			want = append(want, name+"\x00"+value)
		}
	}
	for _, one := range files {
		want = append(want, told(one.name)+"\x00"+one.data)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("read %q,\nthe standard library reads %q", want, got)
	}
}

// splitReader gives its pieces one by one, as they come from a connection, and the last with the end if end says so.
type splitReader struct {
	pieces [][]byte
	end    bool
}

func (s *splitReader) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	if s.end && len(s.pieces) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// TestLargeFilesOfForms reads files that are larger than all buffers, wherever the connection divides them, with
// contents that look like the delimiter as far as they can.
func TestLargeFilesOfForms(t *testing.T) {
	t.Parallel()
	const boundary, most = "B0undary", 10
	delimiter := "\r\n--" + boundary
	for name, content := range map[string]string{
		"nothing alike":          strings.Repeat("x", 2*bodyBuffer+1),
		"line breaks":            "a" + strings.Repeat("\r\n", bodyBuffer+3),
		"beginnings of it":       "a" + strings.Repeat(delimiter[:len(delimiter)-1], bodyBuffer/3),
		"ends in its beginning":  strings.Repeat("y", 2*bodyBuffer) + delimiter[:len(delimiter)-1],
		"ends in a line's end":   strings.Repeat("y", 2*bodyBuffer-1) + "\r",
		"ends with the pieces":   strings.Repeat("z", 2*bodyBuffer),
		"all of it but a letter": strings.Repeat("\r\n--B0undarz", bodyBuffer/4),
	} {
		files := []sentFile{{"a.bin", content}, {"b.txt", "small"}, {"c.bin", content[:bodyBuffer+9]}, {"d.bin", ""}}
		typed := fields{receiptField: "R"}
		form := []byte(writeForm(t, boundary, typed, files))
		first := bytes.Index(form, []byte(content)) + len(content)
		split := func(to int, at ...int) *splitReader {
			r, from := &splitReader{end: to%2 == 0}, 0
			for _, cut := range append(at, to) {
				r.pieces, from = append(r.pieces, form[from:cut]), cut
			}
			return r
		}
		// Around the first delimiter behind a large file, and where a large read ends.
		for cut := first - len(delimiter) - 1; cut <= first+len(delimiter)+1; cut++ {
			for _, r := range []*splitReader{split(len(form), cut, cut+1),
				split(len(form), cut-bodyBuffer, cut, cut+2)} {
				got, gotFiles, err := readFormBy(inLargePieces, r, boundary, most, 0)
				if err != nil || !maps.Equal(got, typed) || !slices.Equal(gotFiles, files) {
					t.Fatalf("%s, cut at %d: fields %q, %d files, %v", name, cut-first, got, len(gotFiles), err)
				}
			}
			// What ends there is cut off, and no file that ends there is whole.
			_, gotFiles, err := readFormBy(inLargePieces, split(cut), boundary, most, 0)
			if whole := cut-first >= len(delimiter); err == nil || (len(gotFiles) == 1) != whole {
				t.Fatalf("%s, cut off at %d: %d files, %v", name, cut-first, len(gotFiles), err)
			}
		}
	}
}

// TestLargeFileIsReadOnce: a large read of a file gets what comes from the connection as it comes, without another
// buffer on its way.
func TestLargeFileIsReadOnce(t *testing.T) {
	const boundary = "B0undary"
	form := writeForm(t, boundary, fields{receiptField: "R"}, []sentFile{{"a.bin", strings.Repeat("x", 8*bodyBuffer)}})
	sizes := &sizesReader{r: strings.NewReader(form)}
	if _, _, err := readFormBy(inLargePieces, sizes, boundary, 10, 0); err != nil {
		t.Fatal(err)
	}
	// The first fills the buffer, and each piece is read at once, but for the first, which begins with the buffer's.
	if most := 2 + 8*bodyBuffer/(2*bodyBuffer) + 3; len(sizes.asked) > most {
		t.Errorf("%d reads of the connection, of %d bytes; at most %d are needed", len(sizes.asked), sizes.asked, most)
	}
	if !slices.Contains(sizes.asked, 2*bodyBuffer) {
		t.Errorf("reads of the connection of %d bytes, none of a whole piece", sizes.asked)
	}
}

// sizesReader notes how much is asked for.
type sizesReader struct {
	r     io.Reader
	asked []int
}

func (s *sizesReader) Read(p []byte) (int, error) {
	s.asked = append(s.asked, len(p))
	return s.r.Read(p)
}

// zeros is a source without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// FuzzDisposition: the name that a browser writes is the name that is read, whatever it holds, also through the reader
// of a part's header.
func FuzzDisposition(f *testing.F) {
	for _, name := range []string{
		"", "a.txt", `"quoted"`, `back\slash`, `C:\path\"x".txt`, "line\r\nbreak", "\x00\x1b\x7f", "\u202Egnp.exe",
		"👩🏽‍🚀.png", "caf\xe9", "a;b; filename=c", "100%22", "%0D%0A",
		" leading and trailing ", "a=b", "form-data", strings.Repeat("x", 4096),
	} {
		f.Add(name)
	}
	for raw, want := range map[string]string{
		`form-data; name="files"; filename="a;b="c".txt"`:    `a;b="c".txt`,
		`form-data; name="files"; filename="say "hi".txt" `:  `say "hi".txt`,
		`Form-Data;name="files";filename="""`:                `"`,
		`form-data; name="files"; filename="a\"b.txt"`:       `a"b.txt`,
		`form-data; filename="plain.txt"; name="files"`:      `plain.txt`,
		`form-data; name=files; filename*=UTF-8''%C3%A9.txt`: "é.txt",
	} {
		if field, got, isFile, ok := disposition(raw); field != "files" || !isFile || !ok || got != want {
			f.Errorf("%s was read as field %q, file %v, name %q, want %q", raw, field, isFile, got, want)
		}
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 10_000 {
			return
		}
		header := `form-data; name="files"; filename="` + escapeName.Replace(name) + `"`
		field, got, isFile, ok := disposition(header)
		if field != "files" || !isFile || !ok || got != told(name) {
			t.Fatalf("%q was read as field %q, file %v, name %q", header, field, isFile, got)
		}
		if !strings.ContainsAny(name, "%") && got != name {
			t.Fatalf("%q was read as %q", name, got)
		}
		if clean := dossier.CleanFileName(got); clean == "" || strings.ContainsAny(clean, "/\\\x00\r\n\"") {
			t.Fatalf("%q is cleaned to %q", got, clean)
		}
		body := "--b\r\nContent-Disposition: form-data; name=\"receipt\"\r\n\r\nR\r\n--b\r\nContent-Disposition: " +
			header + "\r\n\r\nx\r\n--b--\r\n"
		_, files, err := readForm(strings.NewReader(body), "b", 10, 10)
		if !slices.Equal(files, []sentFile{{told(name), "x"}}) || err != nil {
			t.Fatalf("%q: read %q, %v", body, files, err)
		}
	})
}
