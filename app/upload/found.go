package upload

import (
	"context"
	"crypto/sha256"
	"io"
	"slices"

	"dossier.example/app"
	"dossier.example/app/api"
)

// What the site has of a file already is found by folder, name and size, and then by content: a stored file by its
// SHA-256, an upload that broke off by the checksums of its parts.

// has reports whether the file was stored under that id when the run began.
func (u *upload) has(id string) bool {
	return slices.ContainsFunc(u.there[u.source.twin(u.info.Size())], func(f api.File) bool { return f.ID == id })
}

// twin looks whether the person has the file already, of this folder, name and content. The file is read for that only
// where there is one of its path and size.
func (u *upload) twin(ctx context.Context) (api.File, bool, error) {
	twins := u.there[u.source.twin(u.info.Size())]
	if len(twins) == 0 {
		return api.File{}, false, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, reader(ctx, u.file, 0, u.info.Size())); err != nil {
		return api.File{}, false, err
	}
	if err := u.unchanged(); err != nil {
		return api.File{}, false, err
	}
	for _, f := range twins {
		if f.Content.Sha256 == api.FormatSHA256([32]byte(sum.Sum(nil))) {
			return f, true, nil
		}
	}
	return api.File{}, false, nil
}

// adopt looks for an upload of this file that the journal does not know, of another run or of the page, which broke
// off: it has the file's folder, name and size, and each part that the store has of it is one of the file. Others stay
// as they are, because they are of other files.
func (u *upload) adopt(ctx context.Context, key string) (bool, error) {
	for _, f := range u.begun[u.source.twin(u.info.Size())] {
		u.id = f.ID
		status, err := u.status(ctx)
		switch {
		case Code(asError(err)) == "not_found":
			continue
		case err != nil:
			return false, err
		case status.File.State != api.Uploading || len(status.Parts) == 0:
			continue
		}
		same, err := u.agree(ctx, *f.PartSize, status.Parts)
		if err != nil {
			return false, err
		}
		if same {
			return true, u.announcing(key)
		}
	}
	return false, nil
}

// agree reports whether parts that the store has are those of the file.
func (u *upload) agree(ctx context.Context, partSize int64, parts []api.Part) (bool, error) {
	cut := dossier.Multipart{Size: u.info.Size(), PartSize: partSize}
	for _, p := range parts {
		if size, ok := cut.PartBytes(p.Number); !ok || size != p.Size {
			return false, nil
		}
		crc := dossier.NewCRC64()
		if _, err := io.Copy(crc, reader(ctx, u.file, int64(p.Number-1)*partSize, p.Size)); err != nil {
			return false, err
		}
		if api.FormatCRC64NVME(crc.Sum64()) != p.Crc64Nvme {
			return false, nil
		}
	}
	return true, u.unchanged()
}
