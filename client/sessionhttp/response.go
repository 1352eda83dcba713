package sessionhttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// response stands before the server's ResponseWriter, so that the session is saved before the header goes
// out. It has the methods that handlers and http.ResponseController look for, whatever the server's has.
type response struct {
	http.ResponseWriter
	session Session
	request *http.Request // as the handler sees it

	begun bool  // the session is committed
	err   error // why the error handler has answered in place of the handler
}

// begin commits the session, before anything is sent. Where that fails, the error handler answers, and
// all that the handler still writes is refused with the error.
func (w *response) begin(status int) error {
	if w.begun {
		return w.err
	}
	w.begun = true
	w.err = w.session.commit(w.Header(), status)
	if w.err != nil {
		dropRepresentation(w.Header())
		w.session.mw.fail(w.ResponseWriter, w.request, w.err)
	}
	return w.err
}

// finish commits the session of a handler that has written nothing.
func (w *response) finish() { _ = w.begin(http.StatusOK) } // the error has been answered

// abandon runs at last. If the handler has panicked, nothing is saved; but a token that was replaced has
// to reach the browser with whatever answer is made of the panic.
func (w *response) abandon() {
	if !w.begun {
		w.begun = true
		_ = w.session.commit(w.Header(), http.StatusInternalServerError) // it saves nothing and cannot fail
	}
}

// dropRepresentation removes what described the answer that is not given.
func dropRepresentation(h http.Header) {
	for _, name := range []string{
		"Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Location",
		"Content-Range", "Content-Type", "Etag", "Expires", "Last-Modified", "Location", "Refresh", "Trailer",
	} {
		h.Del(name)
	}
}

// WriteHeader commits the session, unless more headers follow this one.
func (w *response) WriteHeader(status int) {
	informational := status < http.StatusOK && status != http.StatusSwitchingProtocols
	if !informational && w.begin(status) != nil {
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// WriteString spares a copy where the server's writer does.
func (w *response) WriteString(s string) (int, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom lets the server send files without copying them, where it can.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return io.Copy(w.ResponseWriter, src) // asks for io.ReaderFrom
}

// Flush is [response.FlushError] for those who ask for an http.Flusher.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError commits the session and sends what is buffered, the header first.
func (w *response) FlushError() error {
	if err := w.begin(http.StatusOK); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack commits the session and hands the connection over. Cookies that are to be set are in the
// header: it is up to whoever takes the connection to send it.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := w.begin(http.StatusSwitchingProtocols); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// CloseNotify is for frameworks that still ask for it, as gin does when it streams.
func (w *response) CloseNotify() <-chan bool {
	if notifier, ok := w.ResponseWriter.(http.CloseNotifier); ok { //nolint:staticcheck // passed on, not used
		return notifier.CloseNotify()
	}
	return make(chan bool)
}

// Unwrap gives http.ResponseController the server's writer, for deadlines and full duplex.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
