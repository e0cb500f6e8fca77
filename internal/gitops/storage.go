package gitops

import (
	"errors"
	"io"
	"os"

	"github.com/go-git/go-git/v5/storage/filesystem"
)

// errPackTooLarge is for packs over Options.MaxBytes.
var errPackTooLarge = errors.New("too many bytes")

// limitedStorage is a repository on disk that takes a bounded number of bytes from a server.
type limitedStorage struct {
	*filesystem.Storage
	// dir is where a pack waits until it has been checked.
	dir    string
	left   int64
	limits packLimits
}

// PackfileWriter takes the pack that a server sends. Nothing of it reaches go-git, which reads a pack while it arrives, before
// all of it is known to be harmless.
func (s *limitedStorage) PackfileWriter() (io.WriteCloser, error) {
	waiting, err := os.CreateTemp(s.dir, "unchecked-*.pack")
	if err != nil {
		return nil, err
	}
	return &packWriter{storage: s, waiting: waiting}, nil
}

// packWriter is one pack on its way to the storage.
type packWriter struct {
	storage *limitedStorage
	waiting *os.File
	failed  bool
}

func (w *packWriter) Write(p []byte) (int, error) {
	if w.storage.left -= int64(len(p)); w.storage.left < 0 {
		w.failed = true
		return 0, errPackTooLarge
	}
	return w.waiting.Write(p)
}

// Close checks the pack and hands it on.
func (w *packWriter) Close() error {
	var err error
	if !w.failed {
		err = w.pass()
	}
	return errors.Join(err, w.waiting.Close(), os.Remove(w.waiting.Name()))
}

func (w *packWriter) pass() error {
	if _, err := w.waiting.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := w.storage.limits.check(w.waiting); err != nil {
		return err
	}
	if _, err := w.waiting.Seek(0, io.SeekStart); err != nil {
		return err
	}
	checked, err := w.storage.Storage.PackfileWriter()
	if err != nil {
		return err
	}
	_, err = io.Copy(checked, w.waiting)
	return errors.Join(err, checked.Close())
}
