package web

// Handfuls returns how many bytes of small files forms hold.
func (s *Server) Handfuls() int64 { return s.handfuls.bytes.Load() }
