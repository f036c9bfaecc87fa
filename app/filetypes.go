package dossier

import "strings"

// acceptsType reports whether a media type is one of types: names such as application/pdf, or image/* for a group,
// separated by commas, as in the attribute accept of HTML. No types, or */*, mean any.
func acceptsType(types, mediaType string) bool {
	if types == "" {
		return true
	}
	base, _, _ := strings.Cut(mediaType, ";")
	group, _, _ := strings.Cut(base, "/")
	for one := range strings.SplitSeq(types, ",") {
		if one == "*/*" || one == base || one == group+"/*" {
			return true
		}
	}
	return false
}

// Accept returns the types of files that are accepted, as for the attribute accept of HTML; empty if any type is.
func (l Limits) Accept() string {
	if acceptsType(l.Types, "any/any") {
		return ""
	}
	return l.Types
}

// TypesInWords returns Accept as people read it: "PDF and pictures".
func (l Limits) TypesInWords() string {
	var words []string
	for one := range strings.SplitSeq(l.Accept(), ",") {
		words = append(words, typeInWords(one))
	}
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return words[0]
}

// typeNames are the names by which people know what they write and calculate with.
var typeNames = map[string]string{
	"application/msword":            "Word (.doc)",
	"application/vnd.ms-excel":      "Excel (.xls)",
	"application/vnd.ms-powerpoint": "PowerPoint (.ppt)",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   "Word (.docx)",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         "Excel (.xlsx)",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint (.pptx)",
	"application/vnd.oasis.opendocument.text":                                   "OpenDocument text (.odt)",
	"application/vnd.oasis.opendocument.spreadsheet":                            "OpenDocument spreadsheets (.ods)",
	"application/vnd.oasis.opendocument.presentation":                           "OpenDocument presentations (.odp)",
	"application/zip": "ZIP",
	"text/csv":        "CSV",
	"text/plain":      "plain text",
}

// typeInWords returns a type by the name that most people know it by.
func typeInWords(one string) string {
	switch group, name, _ := strings.Cut(one, "/"); {
	case one == "image/*":
		return "pictures"
	case name == "*":
		return group
	case group == "image", one == "application/pdf":
		return strings.ToUpper(name)
	case typeNames[one] != "":
		return typeNames[one]
	}
	return one
}

// refusedType returns the error for a file whose bytes are of a type that is not accepted; otherwise nil.
func (s *Service) refusedType(mediaType string) *Error {
	if acceptsType(s.limits.Types, mediaType) {
		return nil
	}
	base, _, _ := strings.Cut(mediaType, ";")
	return Errorf(CodeType, nil, "Only %s can be accepted, but this file is %s.", s.limits.TypesInWords(), base)
}
