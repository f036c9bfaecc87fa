package dossier

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxFileNameBytes is the length of the longest file name that is kept, in bytes of UTF-8: what common file systems
	// accept (NAME_MAX).
	MaxFileNameBytes = 255
	// MaxPathBytes is the length of the longest path that is kept, folder and name, in bytes of UTF-8: what macOS
	// accepts (PATH_MAX), the least of the common systems.
	MaxPathBytes = 1024
	// MaxFolderBytes is the length of the longest folder path that is kept: every name fits behind it.
	MaxFolderBytes = MaxPathBytes - len("/") - MaxFileNameBytes
	// MaxFolderDepth is the maximum number of folders in a path. People's folders are rarely ten deep, and whoever
	// unpacks an archive creates a folder for each level.
	MaxFolderDepth = 64
)

// maxExtensionBytes is the length of the longest end of a name, including its dot, that counts as an extension.
const maxExtensionBytes = 32

// CleanFileName makes a name fit for display and for download: the part after the last slash or backslash, valid UTF-8
// in NFC, without control, direction-changing and invisible characters, those that Windows refuses and more marks than
// any script stacks, at most MaxFileNameBytes with the extension kept. A name that is cut gets a hash of the whole
// name, so that two long names stay distinct. It never returns an empty name, "." or "..", and is idempotent.
func CleanFileName(raw string) string {
	name := norm.NFC.String(strings.ToValidUTF8(raw, "\uFFFD"))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case Hidden(r), invisible(r):
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	// Removing a character can bring together two that compose.
	name = trimName(unstacked(norm.NFC.String(name)))
	if len(name) > MaxFileNameBytes {
		name = suffixed(name, "-"+shortHash(name))
	}
	if !strings.ContainsFunc(name, drawn) {
		return "unnamed"
	}
	return name
}

// drawn reports whether a character by itself is seen: joiners, variation selectors and marks need another one.
func drawn(r rune) bool {
	const blank = '\u2800' // of Braille's patterns, the one without a dot
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) && r != blank
}

// TitledFileName makes a file name of a text that is no path, such as a person's name: its slashes stay, as
// underscores.
func TitledFileName(title string) string {
	return CleanFileName(strings.NewReplacer("/", "_", `\`, "_").Replace(title))
}

// trimName removes what Windows drops at the end of a name, and spaces before it.
func trimName(name string) string { return strings.TrimRight(strings.TrimLeft(name, " "), " .") }

// suffixed puts a suffix before the extension of a clean name, and cuts what would be too long.
func suffixed(name, suffix string) string {
	ext := path.Ext(name)
	if ext == name || len(ext) > maxExtensionBytes {
		ext = ""
	}
	stem := strings.TrimSuffix(name, ext)
	if room := MaxFileNameBytes - len(suffix) - len(ext); len(stem) > room {
		stem = trimName(truncate(stem, room))
	}
	return stem + suffix + ext
}

// NumberedName puts a number before the extension of a clean name, and cuts what would be too long. It distinguishes
// files that would otherwise have the same name.
func NumberedName(name string, n int) string { return suffixed(name, " ("+strconv.Itoa(n)+")") }

// shortHash distinguishes long texts with the same beginning: 48 bits are enough for the files of one person.
func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// truncate cuts s to at most n bytes without cutting a character in two.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// CleanFolder makes a path of folders fit to be kept: its parts, separated by slashes or backslashes, are passed
// through CleanFileName; "." and ".." are left out. Of a path longer than MaxFolderBytes, or deeper than
// MaxFolderDepth, the innermost folders are kept, below a folder named by a hash of the whole path, so that two paths
// stay distinct. The result has no slash at either end, is empty if there is no folder, and CleanFolder is idempotent.
func CleanFolder(raw string) string {
	var parts []string
	for part := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part != "." && part != ".." {
			parts = append(parts, CleanFileName(part))
		}
	}
	whole := strings.Join(parts, "/")
	if len(whole) <= MaxFolderBytes && len(parts) <= MaxFolderDepth {
		return whole
	}
	first := "…-" + shortHash(whole)
	if most := MaxFolderDepth - 1; len(parts) > most {
		parts = parts[len(parts)-most:]
	}
	for len(first)+len("/")+len(strings.Join(parts, "/")) > MaxFolderBytes {
		parts = parts[1:]
	}
	return JoinPath(first, strings.Join(parts, "/"))
}

// androidPlace is how documents of Android's storage begin, as some of its apps name them: a volume, and a path on it
// ("primary:Download/ticket.pdf").
var androidPlace = regexp.MustCompile(`^(primary|home|raw|[0-9A-F]{4}-[0-9A-F]{4}):`)

// CleanPath splits a relative path with slashes, as browsers send it for a file in a chosen folder, into folder and
// name. Any other path (an absolute one, one of Windows, one of Android's storage) says where a file is on its sender's
// disk, and nothing about how files belong together: only its name is kept.
func CleanPath(raw string) (folder, name string) {
	i := strings.LastIndexByte(raw, '/')
	if i > 0 && raw[0] != '/' && !strings.Contains(raw, `\`) && !(len(raw) > 1 && raw[1] == ':') &&
		!androidPlace.MatchString(raw) {
		folder = CleanFolder(raw[:i])
	}
	return folder, CleanFileName(raw)
}

// JoinPath returns the path of a file: folder and name with a slash between them.
func JoinPath(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

// SplitPath is the inverse of JoinPath, for a name without a slash.
func SplitPath(path string) (folder, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}
