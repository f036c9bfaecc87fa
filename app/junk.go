package dossier

import (
	"slices"
	"strings"
)

// What systems and programs leave in folders for themselves, and nobody means to send with a folder. The page leaves
// out the same files (browser/sources.js); a test compares them. Case makes no difference.
var (
	// JunkNames are the names of such files and folders.
	JunkNames = []string{
		".DS_Store", ".localized", "Icon\r", ".Spotlight-V100", ".Trashes", ".fseventsd", ".TemporaryItems",
		".DocumentRevisions-V100", ".VolumeIcon.icns", "__MACOSX",
		"Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information",
		".directory",
	}
	// JunkPrefixes are the beginnings of such names: what macOS keeps beside a file on other systems' disks
	// (AppleDouble), and what marks a document as open in Microsoft's and other offices.
	JunkPrefixes = []string{"._", "~$", ".~lock."}
)

// IsJunk reports whether a file or folder inside a folder is left out unless it is named itself.
func IsJunk(name string) bool {
	return slices.ContainsFunc(JunkNames, func(junk string) bool { return strings.EqualFold(junk, name) }) ||
		slices.ContainsFunc(JunkPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
