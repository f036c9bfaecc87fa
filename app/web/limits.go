package web

import (
	"fmt"

	"dossier.example/app"
)

// limitsText says what one submission may carry.
func (s *Server) limitsText() string {
	l := s.svc.Limits()
	return fmt.Sprintf("%s of up to %s each", counted(l.Files, "file"), dossier.FormatLimit(l.FileBytes))
}

// mostParts bounds the parts of one form. Files above the limit are read past and told one by one up to here, enough
// for somebody who chose a whole folder; beyond, it is no form that a person sends.
func mostParts(l dossier.Limits) int { return max(1000, 5+2*l.Files) }

// mostBytes returns the length of the largest body that holds a submission within the limits.
func mostBytes(l dossier.Limits) int64 {
	const most = 1 << 62
	if l.Files > 0 && l.FileBytes > (most/int64(l.Files)) {
		return most
	}
	return int64(l.Files)*l.FileBytes + int64(l.Files)*maxPartHeaderBytes + 5*(maxFieldBytes+maxPartHeaderBytes)
}
