package gitops

import (
	"errors"
	"io"

	"github.com/go-git/go-git/v5/storage/filesystem"
)

// errPackTooLarge is for packs over Options.MaxBytes.
var errPackTooLarge = errors.New("too many bytes")

// limitedStorage is a repository on disk that takes a bounded number of bytes from a server.
type limitedStorage struct {
	*filesystem.Storage
	left int64
}

// PackfileWriter takes the pack that a server sends.
func (s *limitedStorage) PackfileWriter() (io.WriteCloser, error) {
	w, err := s.Storage.PackfileWriter()
	if err != nil {
		return nil, err
	}
	return &limitedWriter{WriteCloser: w, left: &s.left}, nil
}

type limitedWriter struct {
	io.WriteCloser
	left *int64
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if *w.left -= int64(len(p)); *w.left < 0 {
		return 0, errPackTooLarge
	}
	return w.WriteCloser.Write(p)
}
