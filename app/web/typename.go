package web

import (
	"regexp"
	"strings"
)

// typeNames has what people call a media type. What is not here goes by its family (families).
var typeNames = map[string]string{
	"application/pdf":                               "PDF",
	"application/zip":                               "ZIP archive",
	"application/gzip":                              "GZIP archive",
	"application/x-tar":                             "TAR archive",
	"application/x-7z-compressed":                   "7-Zip archive",
	"application/x-rar-compressed":                  "RAR archive",
	"application/x-xz":                              "XZ archive",
	"application/x-bzip2":                           "BZIP2 archive",
	"application/zstd":                              "Zstandard archive",
	"application/jar":                               "Java archive",
	"application/java-archive":                      "Java archive",
	"application/epub+zip":                          "E-book (EPUB)",
	"application/x-mobipocket-ebook":                "E-book (Mobipocket)",
	"application/msword":                            "Word document",
	"application/vnd.ms-excel":                      "Excel workbook",
	"application/vnd.ms-powerpoint":                 "PowerPoint presentation",
	"application/vnd.ms-outlook":                    "Outlook message",
	"application/vnd.ms-publisher":                  "Publisher document",
	"application/x-ole-storage":                     "Office document",
	"application/rtf":                               "Rich text",
	"text/rtf":                                      "Rich text",
	"application/json":                              "JSON",
	"application/x-ndjson":                          "JSON lines",
	"application/geo+json":                          "Map data (GeoJSON)",
	"application/xml":                               "XML",
	"text/xml":                                      "XML",
	"text/html":                                     "Web page",
	"text/csv":                                      "Table (CSV)",
	"text/tab-separated-values":                     "Table (TSV)",
	"text/calendar":                                 "Calendar",
	"text/vcard":                                    "Contact",
	"text/vtt":                                      "Subtitles",
	"text/plain":                                    "Text",
	"application/postscript":                        "PostScript",
	"application/vnd.sqlite3":                       "SQLite database",
	"application/x-sqlite3":                         "SQLite database",
	"application/vnd.microsoft.portable-executable": "Windows program",
	"application/x-elf":                             "Linux program",
	"application/x-executable":                      "Linux program",
	"application/x-mach-binary":                     "macOS program",
	"application/vnd.android.package-archive":       "Android app",
	"application/octet-stream":                      "Unknown",
	"image/jpeg":                                    "Picture (JPEG)",
	"image/png":                                     "Picture (PNG)",
	"image/vnd.mozilla.apng":                        "Picture (PNG)",
	"image/gif":                                     "Picture (GIF)",
	"image/webp":                                    "Picture (WebP)",
	"image/avif":                                    "Picture (AVIF)",
	"image/heic":                                    "Picture (HEIC)",
	"image/heif":                                    "Picture (HEIF)",
	"image/tiff":                                    "Picture (TIFF)",
	"image/bmp":                                     "Picture (BMP)",
	"image/svg+xml":                                 "Drawing (SVG)",
	"image/vnd.adobe.photoshop":                     "Photoshop picture",
	"image/x-icon":                                  "Icon",
	"audio/mpeg":                                    "Sound (MP3)",
	"audio/wav":                                     "Sound (WAV)",
	"audio/flac":                                    "Sound (FLAC)",
	"audio/ogg":                                     "Sound (Ogg)",
	"audio/x-m4a":                                   "Sound (M4A)",
	"audio/aac":                                     "Sound (AAC)",
	"video/mp4":                                     "Video (MP4)",
	"video/quicktime":                               "Video (QuickTime)",
	"video/webm":                                    "Video (WebM)",
	"video/x-msvideo":                               "Video (AVI)",
	"video/x-matroska":                              "Video (Matroska)",
	"video/mpeg":                                    "Video (MPEG)",
	"video/ogg":                                     "Video (Ogg)",

	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   "Word document",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         "Excel workbook",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint presentation",
	"application/vnd.oasis.opendocument.text":                                   "OpenDocument text",
	"application/vnd.oasis.opendocument.spreadsheet":                            "OpenDocument spreadsheet",
	"application/vnd.oasis.opendocument.presentation":                           "OpenDocument presentation",
	"application/vnd.oasis.opendocument.graphics":                               "OpenDocument drawing",
}

// families has what people call media types of which nothing more exact is known.
var families = map[string]string{
	"audio": "Sound", "font": "Font", "image": "Picture", "model": "3D model", "text": "Text", "video": "Video",
	"message": "Message", "application": "Other",
}

// plainType is a media type without parameters, of the letters that registered ones have (RFC 6838, section 4.2). No
// text of a sender passes for one.
var plainType = regexp.MustCompile(`^[a-z]+/[a-z0-9][a-z0-9.+_-]{0,126}$`)

// typeName returns what people call a media type, and the type itself without its parameters, which may hold what a
// sender wrote into a file. Both are empty where nothing is known.
func typeName(mediaType string) (name, plain string) {
	plain = baseType(mediaType)
	if !plainType.MatchString(plain) {
		return "", ""
	}
	if name, ok := typeNames[plain]; ok {
		return name, plain
	}
	family, _, _ := strings.Cut(plain, "/")
	if name, ok := families[family]; ok {
		return name, plain
	}
	return "Other", plain
}
