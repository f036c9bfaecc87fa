// Package api is the JSON API as its document describes it. The API is specified in openapi.yaml; the types of requests
// and answers (openapi.gen.go) are generated from it, and the document itself is embedded with them. The package
// imports nothing of the project.
package api

//go:generate env GOWORK=off go -C ../../tools tool oapi-codegen -config ../app/api/generate.yaml ../app/api/openapi.yaml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// Prefix is where the API lies below the site's origin.
const Prefix = "/api/v1"

// Document returns the OpenAPI document as JSON. An error means that the program was built wrong.
func Document() ([]byte, error) {
	compressed, err := base64.StdEncoding.DecodeString(strings.Join(document, ""))
	if err != nil {
		return nil, fmt.Errorf("decode the API's document: %w", err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(compressed)))
	if err != nil {
		return nil, fmt.Errorf("unpack the API's document: %w", err)
	}
	return text, nil
}
