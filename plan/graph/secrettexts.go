package graph

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
)

// secretTexts are values of secrets, which a graph does not keep.
type secretTexts []string

// within reports whether a text contains one of the secrets, also in Base64, within compressed user-data, or as JSON
// writes it.
func (s secretTexts) within(text string) bool {
	forms := []string{text}
	if decoded, err := Decode(text); err == nil {
		forms = append(forms, decoded)
	}
	for _, secret := range s {
		quoted, err := json.Marshal(secret)
		if err != nil {
			continue // a string always has a JSON form
		}
		for _, form := range forms {
			if strings.Contains(form, secret) ||
				strings.Contains(form, strings.Trim(string(quoted), `"`)) ||
				strings.Contains(form, base64.StdEncoding.EncodeToString([]byte(secret))) {
				return true
			}
		}
	}
	return false
}

// mask puts the mark in the place of every text that contains a secret.
func (s secretTexts) mask(m map[string]any) {
	for k, v := range m {
		m[k] = s.masked(v)
	}
}

func (s secretTexts) masked(v any) any {
	switch v := v.(type) {
	case string:
		if s.within(v) {
			return Secret
		}
	case map[string]any:
		s.mask(v)
	case []any:
		for i, e := range v {
			v[i] = s.masked(e)
		}
	}
	return v
}

// largestUserData bounds what Decode unpacks: far more than the 16 KiB of user-data that EC2 takes can hold in good
// faith.
const largestUserData = 1 << 20

// Decode is the text within Base64, unpacked where it is compressed by gzip, as user-data of EC2 comes. The error tells
// that it is no Base64, no complete gzip stream, or more than 1 MiB.
func Decode(text string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", err
	}
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return string(data), nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	defer unpacked.Close()
	data, err = io.ReadAll(io.LimitReader(unpacked, largestUserData+1))
	if err != nil {
		return "", err
	}
	if len(data) > largestUserData {
		return "", io.ErrShortBuffer
	}
	return string(data), nil
}

// UserData is what instances run when they start, of a launch template, a launch configuration or an instance: in the
// form that EC2 counts (its limit of 16 KB is before Base64) and as text. It is false where there is none, and where it
// cannot be shown: because it is secret, unknown, or not in a form that Decode reads.
func UserData(r *Resource) (raw []byte, text string, ok bool) {
	for _, key := range []string{"userDataBase64", "userData"} {
		in, is := r.Input(key).(string)
		if !is || in == "" {
			continue
		}
		if key == "userData" && r.Token != "aws:ec2/launchTemplate:LaunchTemplate" {
			return []byte(in), in, true
		}
		raw, err := base64.StdEncoding.DecodeString(in)
		if err != nil {
			return nil, "", false
		}
		text, err := Decode(in)
		if err != nil {
			return nil, "", false
		}
		return raw, text, true
	}
	return nil, "", false
}
