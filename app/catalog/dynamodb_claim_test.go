package catalog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	dossier "dossier.example/app"
)

// A claim is found by every release: that of a file without a folder has the key that it had before there were folders,
// and that of one with a folder the key that such a release makes of the path, which it takes for the name.
func TestClaimKeyAcrossReleases(t *testing.T) {
	content := dossier.Content{Size: 1<<40 + 7, SHA256: [32]byte{1, 2, 3}}
	before := func(name string) string {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(name+"\x00"+formatSHA256(content.SHA256)),
			uint64(content.Size)))
		return "~claim#" + hex.EncodeToString(sum[:])
	}
	keys := map[string]string{}
	for _, path := range []string{"b.txt", "a/b.txt", "a/a/b.txt", "a › b.txt"} {
		folder, name := dossier.SplitPath(path)
		i := newItem(dossier.File{Person: dossier.NewPersonID(), ID: dossier.NewFileID(), Folder: folder, Name: name})
		i.Size, i.SHA256 = &content.Size, formatSHA256(content.SHA256)
		if got := i.claimKey(); got != before(path) {
			t.Errorf("the claim of %q is %s, want %s", path, got, before(path))
		}
		if other, taken := keys[i.claimKey()]; taken {
			t.Errorf("%q and %q have the same claim", path, other)
		}
		keys[i.claimKey()] = path
	}
}
