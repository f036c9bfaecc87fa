package upload

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
)

// How one file comes into the store. It is read twice: once from its beginning to its end, for the checksums, and each
// part again when it is sent. The first reading is a few parts ahead of the second, so the second finds the bytes in
// the system's memory. Every part is signed for the checksum of the first reading, and the whole is completed by the
// checksums of the first reading. So where the two readings differ the store refuses the part, and where the file
// changed during the first one its time tells. Neither is stored.

const (
	// newIDs is how often a file is begun under another id, because the one before was given up, or is something else's
	// by now.
	newIDs = 4
	// completions is how often a file is completed, where parts of it turn out to be missing or others.
	completions = 3
	// refusals is how often in a row a signature, or the bytes of a part, may be refused.
	refusals = 4
	// partsAhead is how many parts at most are read and signed before they can be sent, unless more are sent at once.
	partsAhead = 16
	// batchTime is how long parts that are signed by one request may take until the last of them is on its way, for the
	// next request to be for more.
	batchTime = 30 * time.Second
)

// errChanged: the file is not what it was when its reading began.
var errChanged = errors.New("the file changed while it was being sent")

// send brings a file to the site. An error ends the run; what is wrong with this file alone is in the result.
func (run *Run) send(ctx context.Context, s Source) (Result, error) {
	r := Result{Source: s}
	f, info, err := open(s.file)
	if err != nil {
		run.bytes.Add(-s.Size)
		r.Err = errorf(CodeUnreadable, err, "%s", reason(err))
		return r, nil
	}
	defer f.Close()
	u := &upload{Run: run, source: s, file: f, info: info}
	run.bytes.Add(info.Size() - s.Size)
	stored, err := u.store(ctx, s.key)
	r.Sent = u.sent.Load()
	switch {
	case err == nil:
		run.doneBytes.Add(info.Size() - u.counted.Load())
		r.File = &stored
		return r, nil
	case ctx.Err() != nil:
		return r, context.Cause(ctx)
	}
	run.bytes.Add(-info.Size())
	run.doneBytes.Add(-u.counted.Load())
	if _, broken := errors.AsType[*fs.PathError](err); broken {
		err = errorf(CodeUnreadable, err, "%s", reason(err))
	}
	if errors.Is(err, errGone) {
		err = errorf("lost", err, "the upload was discarded at the site several times while it was running")
	}
	err = asError(err)
	switch Code(err) {
	case CodeUnreachable, CodeJournal, CodeInput:
		return r, err
	case "unauthorized":
		return r, errorf("unauthorized", err, "the receipt no longer works: it was replaced, so run the command with the "+
			"new one (--receipt-file), or its person was deleted")
	case "expired":
		return r, errorf("expired", err, "the receipt has expired: ask the site's staff to reopen it, then run the same "+
			"command again to resume")
	case "":
		if !errors.Is(err, errChanged) {
			return r, err
		}
		err = errorf(CodeChanged, err, "%s, so it was not stored: send it again when nothing is writing to it", errChanged)
	}
	r.Err = err
	return r, nil
}

// upload is one file on its way.
type upload struct {
	*Run
	source Source
	file   *os.File
	// info is the file as it was when it was opened.
	info fs.FileInfo
	id   string

	partSize int64
	// crcs are the checksums of the parts, as far as the file has been read.
	crcs []uint64
	sums api.Completion

	// sent is what the store took, and counted what was added to the run's progress.
	sent, counted atomic.Int64
}

// count adds to the progress, or takes off it.
func (u *upload) count(n int64) {
	u.counted.Add(n)
	u.doneBytes.Add(n)
}

// store returns the file's record once it is stored: by an earlier run, by anybody before, or now.
func (u *upload) store(ctx context.Context, key string) (api.File, error) {
	known := u.journal.known(key)
	if known != nil && known.Stored != nil {
		if known.of(u.info) && u.has(known.ID) {
			size := known.Size
			return api.File{ID: known.ID, Folder: u.folder(), Name: u.source.Name, State: api.Stored, Size: &size,
				Content: known.Stored}, nil
		}
		known = nil // it was changed after it was stored, or deleted at the site: so it is another file
	}
	if stored, found, err := u.twin(ctx); found || err != nil {
		if err == nil {
			err = u.remember(key, stored)
		}
		return stored, err
	}
	announced := known != nil && known.Size == u.info.Size()
	if announced {
		u.id = known.ID
	} else {
		if known != nil {
			u.id = known.ID
			u.giveUp(ctx)
		}
		var err error
		if announced, err = u.adopt(ctx, key); err != nil {
			return api.File{}, err
		}
	}
	for n, looked := 0, false; ; n++ {
		if !announced {
			u.id = dossier.NewFileID().String()
			if err := u.announcing(key); err != nil {
				return api.File{}, err
			}
		}
		stored, err := u.bring(ctx, announced)
		if err == nil {
			return stored, u.remember(key, stored)
		}
		if errors.Is(err, errChanged) {
			u.giveUp(ctx)
			return stored, err
		}
		if n+1 == newIDs || !anew(err) {
			return stored, err
		}
		u.count(-u.counted.Load())
		// What an earlier run asked for last may just have been done: then this id is stored, and nothing is to be
		// sent.
		if ended := errors.Is(err, errGone) || Code(asError(err)) == "lost"; ended && !looked {
			announced, looked = true, true
			continue
		}
		u.giveUp(ctx)
		announced, looked = false, false
	}
}

// announcing keeps in the journal which id the file has.
func (u *upload) announcing(key string) error {
	e := entry{ID: u.id, Size: u.info.Size(), Modified: u.info.ModTime().UnixNano()}
	// Of a file in one part nothing would be lost with the line but that part.
	return u.journal.append(record{Path: key, entry: e}, u.info.Size() > dossier.PartSize(0))
}

// remember keeps in the journal that the file is stored.
func (u *upload) remember(key string, stored api.File) error {
	e := entry{ID: stored.ID, Size: u.info.Size(), Modified: u.info.ModTime().UnixNano(), Stored: stored.Content}
	return u.journal.append(record{Path: key, entry: e}, false)
}

// anew reports whether an error is over with another id.
func anew(err error) bool {
	if errors.Is(err, errGone) {
		return true
	}
	r, ok := errors.AsType[*refusal](err)
	if _, own := errors.AsType[*Error](err); own || !ok {
		return false
	}
	switch r.problem.Code {
	case "not_found", "lost", "conflict", "corrupt", "incomplete":
		return true
	}
	return false
}

// giveUp drops what the site has of an id that is not used any more. What fails is removed by the site after a day.
func (u *upload) giveUp(ctx context.Context) {
	if u.id != "" {
		_ = u.site.call(ctx, http.MethodDelete, "files/"+u.id, nil, nil)
	}
}

// bring brings the file under one id to the site. announced tells that an earlier run may have announced it, so that
// the store may have parts.
func (u *upload) bring(ctx context.Context, announced bool) (api.File, error) {
	path := "files/" + u.id
	var f api.File
	if err := u.site.call(ctx, http.MethodPut, path, api.Announcement{Folder: u.folder(), Name: u.source.Name,
		Size: u.info.Size()}, &f); err != nil {
		return f, u.folderless(err)
	}
	if f.PartSize == nil || f.PartCount == nil || *f.PartSize < 1 ||
		*f.PartCount != (dossier.Multipart{Size: u.info.Size(), PartSize: *f.PartSize}).Parts() {
		return f, errorf(CodeRefused, nil, "the site did not say how to split the file")
	}
	u.partSize = *f.PartSize
	u.crcs = make([]uint64, 0, *f.PartCount)
	has := map[int]api.Part{}
	if announced && f.State == api.Uploading {
		status, err := u.status(ctx)
		if err != nil {
			return f, err
		}
		f, has = status.File, partsOf(status)
	}
	// Of a file that is stored already only the checksums are needed.
	if err := u.readAndSend(ctx, has, f.State == api.Uploading); err != nil {
		return f, err
	}
	for n := 1; ; n++ {
		var stored api.File
		err := u.site.call(ctx, http.MethodPost, path+"/complete", u.sums, &stored)
		if err == nil {
			if stored.State != api.Stored || stored.Content == nil || stored.Size == nil ||
				stored.Content.Sha256 != u.sums.Sha256 || stored.Content.Crc64Nvme != u.sums.Crc64Nvme {
				return stored, errorf("corrupt", nil, "the site stored something else")
			}
			return stored, nil
		}
		if code := Code(asError(err)); n == completions || code != "corrupt" && code != "incomplete" {
			return f, err
		}
		status, err := u.status(ctx)
		if err != nil {
			return f, err
		}
		if status.File.State == api.Uploading {
			if err := u.sendParts(ctx, u.lacking(partsOf(status))); err != nil {
				return f, err
			}
		}
	}
}

// folder returns the folder as the API has it.
func (u *upload) folder() *string {
	if u.source.Folder == "" {
		return nil
	}
	return &u.source.Folder
}

// folderless says what is wrong where the site is of a release that keeps no folders.
func (u *upload) folderless(err error) error {
	r, ok := errors.AsType[*refusal](err)
	if !ok || u.source.Folder == "" || r.problem.Code != "invalid" || r.problem.Errors == nil {
		return err
	}
	for _, fault := range *r.problem.Errors {
		if fault.Pointer == "#/folder" {
			return errorf("invalid", err, "this site runs an older release that keeps no folders: name the files instead")
		}
	}
	return err
}

// status asks which parts the store has.
func (u *upload) status(ctx context.Context) (s api.FileStatus, err error) {
	err = u.site.call(ctx, http.MethodGet, "files/"+u.id, nil, &s)
	return s, err
}

func partsOf(s api.FileStatus) map[int]api.Part {
	parts := make(map[int]api.Part, len(s.Parts))
	for _, p := range s.Parts {
		parts[p.Number] = p
	}
	return parts
}

// lacking yields the parts of a file that has been read which are not among those that the store has.
func (u *upload) lacking(has map[int]api.Part) <-chan api.Part {
	lacking := make(chan api.Part, len(u.crcs))
	for i := range u.crcs {
		if p := u.part(i + 1); has[p.Number] != p {
			lacking <- p
		}
	}
	close(lacking)
	return lacking
}

// part returns a part that has been read.
func (u *upload) part(number int) api.Part {
	size, _ := dossier.Multipart{Size: u.info.Size(), PartSize: u.partSize}.PartBytes(number)
	return api.Part{Number: number, Size: size, Crc64Nvme: api.FormatCRC64NVME(u.crcs[number-1])}
}

// readAndSend reads the file for its checksums and sends, at the same time, the parts that the store does not have.
// Without sending it only reads.
func (u *upload) readAndSend(ctx context.Context, has map[int]api.Part, sending bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make(chan api.Part, max(u.o.Parallel, partsAhead))
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(parts)
		if err := u.read(ctx, func(p api.Part) {
			switch {
			case !sending || has[p.Number] == p:
				u.count(p.Size)
			default:
				select {
				case parts <- p:
				case <-ctx.Done():
				}
			}
		}); err != nil {
			cancel(err)
		}
	})
	err := u.sendParts(ctx, parts)
	cancel(err) // what is left to read is read in vain
	wg.Wait()
	if err != nil {
		return err
	}
	return u.unchanged()
}

// read reads the file once for its checksums, and hands out each part as it is known.
func (u *upload) read(ctx context.Context, found func(api.Part)) error {
	sum := sha256.New()
	var whole uint64
	parts := dossier.Multipart{Size: u.info.Size(), PartSize: u.partSize}
	buffer := make([]byte, min(max(u.info.Size(), 1), 256<<10))
	for number := 1; number <= parts.Parts(); number++ {
		size, _ := parts.PartBytes(number)
		crc := dossier.NewCRC64()
		// Without the hashes' own ways of copying, which would make a buffer for each part.
		n, err := io.CopyBuffer(writerOnly{io.MultiWriter(crc, sum)},
			reader(ctx, u.file, int64(number-1)*u.partSize, size), buffer)
		switch {
		case err != nil:
			return err
		case n < size:
			return errChanged
		}
		u.crcs = append(u.crcs, crc.Sum64())
		whole = dossier.CombineCRC64(whole, crc.Sum64(), size)
		if number == parts.Parts() {
			u.sums = api.Completion{Crc64Nvme: api.FormatCRC64NVME(whole),
				Sha256: api.FormatSHA256([32]byte(sum.Sum(nil)))}
		}
		found(u.part(number))
	}
	return nil
}

type writerOnly struct{ io.Writer }

// reader reads a section of a file until ctx ends.
func reader(ctx context.Context, f *os.File, from, size int64) io.Reader {
	section := io.NewSectionReader(f, from, size)
	return readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return section.Read(p)
	})
}

// unchanged reports whether the file is what it was when it was opened.
func (u *upload) unchanged() error {
	now, err := u.file.Stat()
	if err != nil {
		return err
	}
	if now.Size() != u.info.Size() || !now.ModTime().Equal(u.info.ModTime()) {
		return errChanged
	}
	return nil
}

// signature is a request for a part, and when it was asked for.
type signature struct {
	api.SignedPart
	at time.Time
}

// sendParts sends the parts that it is given, as many at once as there are slots. While those of one request for
// signatures are sent, it has those signed that wait behind them, so that no slot waits for a signature. A request is
// for twice as many parts as the one before if those were on their way soon: so requests are few, and signatures young.
func (u *upload) sendParts(ctx context.Context, parts <-chan api.Part) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	most := u.o.Parallel
	for p := range parts {
		if ctx.Err() != nil {
			break
		}
		batch := []api.Part{p}
	more:
		for len(batch) < min(most, u.limits.MaxPartsPerRequest) {
			select {
			case p, ok := <-parts:
				if !ok {
					break more
				}
				batch = append(batch, p)
			default:
				break more
			}
		}
		signed, err := u.sign(ctx, batch)
		if err != nil {
			cancel(err)
			break
		}
		begun := time.Now()
		for i, p := range batch {
			if !u.slot(ctx) {
				break
			}
			wg.Go(func() {
				defer func() { <-u.slots }()
				if err := u.sendPart(ctx, p, signed[i]); err != nil {
					cancel(err)
				}
			})
		}
		if time.Since(begun) < batchTime {
			most = min(2*most, max(u.o.Parallel, partsAhead))
		} else {
			most = u.o.Parallel
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}

// slot waits for one of the places for parts on their way; false: ctx has ended.
func (u *upload) slot(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case u.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// sign has parts signed.
func (u *upload) sign(ctx context.Context, parts []api.Part) ([]signature, error) {
	at := time.Now()
	var out api.SignedParts
	if err := u.site.call(ctx, http.MethodPost, "files/"+u.id+"/parts", api.PartsToSign{Parts: parts},
		&out); err != nil {
		return nil, err
	}
	if len(out.Parts) != len(parts) {
		return nil, errorf(CodeRefused, nil, "the site signed %d of %d parts", len(out.Parts), len(parts))
	}
	signed := make([]signature, len(parts))
	for i, p := range out.Parts {
		signed[i] = signature{p, at}
	}
	return signed, nil
}

// sendPart sends one part until the store has it.
func (u *upload) sendPart(ctx context.Context, p api.Part, signed signature) error {
	refused, damaged := 0, 0
	return u.site.persist(ctx, func() error {
		// By this machine's clock alone: the site's may be another time. A quarter is left for what the part waits for
		// on its way.
		if lifetime := time.Duration(u.limits.SignatureLifetime) * time.Second; signed.URL == "" ||
			time.Since(signed.at) > lifetime*3/4 {
			fresh, err := u.sign(ctx, []api.Part{p})
			if err != nil {
				return err
			}
			signed = fresh[0]
		}
		b := &body{upload: u, size: p.Size, crc: dossier.NewCRC64(),
			r: reader(ctx, u.file, int64(p.Number-1)*u.partSize, p.Size)}
		err := u.site.put(ctx, signed.SignedPart, p.Size, b)
		read, crc, readErr := b.end()
		if err == nil {
			u.sent.Add(p.Size)
			if read != p.Size {
				// What the transport read ahead and the store took is the same; this cannot be.
				return errorf("corrupt", nil, "part %d was taken before it was sent", p.Number)
			}
			return nil
		}
		u.count(-read)
		switch {
		case readErr != nil && ctx.Err() == nil:
			return readErr
		case read == p.Size && api.FormatCRC64NVME(crc) != p.Crc64Nvme:
			return errChanged
		case errors.Is(err, errUnsigned):
			signed, refused = signature{}, refused+1
			if refused == refusals {
				return errorf(CodeRefused, err,
					"%s, even a new one: check this machine's clock and any proxy", errUnsigned)
			}
			return temporary{error: errUnsigned}
		case errors.Is(err, errDamaged):
			if damaged++; damaged == refusals {
				return errorf("corrupt", err, "%s several times", errDamaged)
			}
			return temporary{error: errDamaged}
		}
		return err
	})
}

// body is a part as the transport reads it, which it may go on with for a moment after it was answered.
type body struct {
	upload *upload
	r      io.Reader
	size   int64

	mu    sync.Mutex
	crc   hash.Hash64
	n     int64
	err   error
	ended bool
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return 0, errors.New("the part was answered")
	}
	n, err := b.r.Read(p)
	_, _ = b.crc.Write(p[:n]) // a hash never fails
	b.n += int64(n)
	b.upload.count(int64(n))
	switch {
	case err == io.EOF && b.n < b.size:
		b.err = errChanged
	case err != nil && err != io.EOF:
		b.err = err
	}
	return n, err
}

// end returns how much was read, its checksum and what kept more from being read. Nothing is read afterwards.
func (b *body) end() (int64, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	return b.n, b.crc.Sum64(), b.err
}
