package dossier

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// archiveNames gives the files of one archive names under which every system can unpack them side by side. Two of three
// systems ignore case and the form of accented letters, and so take folders that differ only in these for the same
// folder.
type archiveNames struct {
	// taken are the files, folders the folders that contain files, by their keys.
	taken, folders map[string]bool
	// last is the number that was last tried for a name.
	last map[string]int
}

func newArchiveNames() archiveNames {
	return archiveNames{map[string]bool{}, map[string]bool{}, map[string]int{}}
}

// folder remembers the folders of an archive's path. All must be known before a file gets its name, because no file can
// have the name of a folder.
func (n archiveNames) folder(path string) {
	for folder, _ := SplitPath(path); folder != ""; folder, _ = SplitPath(folder) {
		key := archiveKey(folder)
		if n.folders[key] {
			return // and those that it lies in
		}
		n.folders[key] = true
	}
}

// of returns the name for a file with an archive's path: with a number if another file, or a folder, has the name.
func (n archiveNames) of(path string) string {
	distinct, key := path, archiveKey(path)
	for is := key; n.taken[is] || n.folders[is]; is = archiveKey(distinct) {
		n.last[key]++
		distinct = numbered(path, n.last[key]+1)
	}
	n.taken[archiveKey(distinct)] = true
	return distinct
}

// archivePath returns a clean path in which nothing has the name of a Windows device.
func archivePath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if windowsDevice(part) {
			parts[i] = CleanFileName("_" + part)
		}
	}
	return strings.Join(parts, "/")
}

// windowsDevice reports whether a name is that of a device, which Windows recognizes with any extension
// (https://learn.microsoft.com/windows/win32/fileio/naming-a-file). A regular expression would take most of the time in
// which an archive of many files is named.
func windowsDevice(name string) bool {
	name, _, _ = strings.Cut(name, ".")
	name = strings.TrimRight(name, " ")
	devices := []string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
	if last, n := utf8.DecodeLastRuneInString(name); strings.ContainsRune("0123456789¹²³", last) {
		name, devices = name[:len(name)-n], []string{"COM", "LPT"}
	}
	return slices.ContainsFunc(devices, func(device string) bool { return strings.EqualFold(name, device) })
}

// archiveKey returns what paths have in common that some system takes for one: canonical caseless matching (The Unicode
// Standard, section 3.13, D145), of capitals, since Windows compares by them and knows some that folding does not, such
// as that of a dotless i.
func archiveKey(path string) string {
	return norm.NFD.String(cases.Fold().String(norm.NFD.String(strings.ToUpper(path))))
}

// numbered puts a number before the extension of a path's name, and cuts what would be too long.
func numbered(path string, n int) string {
	folder, name := SplitPath(path)
	return JoinPath(folder, NumberedName(name, n))
}
