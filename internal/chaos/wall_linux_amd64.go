package chaos

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wallClock steps the wall clock of this process, and of no other: nobody has to be able to set the machine's. A Go
// program asks for the time in the vDSO, a page of code that the kernel maps into every process; there, the function is
// made to jump to one that asks the kernel itself and adds an offset to the real time. The monotonic clock goes on.
type wallClock struct{ offset *int64 }

// canStepWall says why the clock cannot be stepped here; empty: it can.
func canStepWall() string {
	if _, _, err := vdsoClock(); err != nil {
		return err.Error()
	}
	return ""
}

// newWallClock takes the process's clock over, for good.
func newWallClock() (*wallClock, error) {
	entry, image, err := vdsoClock()
	if err != nil {
		return nil, err
	}
	c := &wallClock{offset: new(int64)}
	code := clockCode(uint64(address(c.offset)))
	// Behind the image the last page is empty: room for ours.
	room := image[len(image)-len(code):]
	if !bytes.Equal(room, make([]byte, len(code))) {
		return nil, errors.New("there is no room in the vDSO")
	}
	start := address(&image[0])
	if err := protect(start, len(image), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC); err != nil {
		return nil, fmt.Errorf("the vDSO cannot be written to: %w", err)
	}
	copy(room, code)
	// One aligned store, because other threads may ask for the time right now: a jump, then what was there.
	jump := binary.LittleEndian.AppendUint64(nil, *(*uint64)(entry))
	jump[0] = 0xe9
	distance := address(&room[0]) - uintptr(entry) - 5
	binary.LittleEndian.PutUint32(jump[1:], uint32(distance)) //nolint:gosec // within two pages
	atomic.StoreUint64((*uint64)(entry), binary.LittleEndian.Uint64(jump))
	return c, protect(start, len(image), unix.PROT_READ|unix.PROT_EXEC)
}

// set makes the wall clock differ from the machine's by d.
func (c *wallClock) set(d time.Duration) { atomic.StoreInt64(c.offset, int64(d/time.Second)) }

// clockCode is clock_gettime(clock, &time): the system call, and for the real-time clock (0) the offset in seconds.
func clockCode(offset uint64) []byte {
	code := []byte{
		0xb8, 0xe4, 0x00, 0x00, 0x00, // mov eax, 228
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi
		0x75, 0x10, // jnz +16
		0x48, 0xba, 0, 0, 0, 0, 0, 0, 0, 0, // mov rdx, offset
		0x48, 0x8b, 0x12, // mov rdx, [rdx]
		0x48, 0x01, 0x16, // add [rsi], rdx
		0xc3, // ret
	}
	binary.LittleEndian.PutUint64(code[13:], offset)
	return code
}

// vdsoClock finds the vDSO and its clock_gettime.
func vdsoClock() (entry unsafe.Pointer, image []byte, err error) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = maps.Close() }()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uintptr
		if !strings.HasSuffix(lines.Text(), "[vdso]") {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); err != nil {
			return nil, nil, err
		}
		base := *(*unsafe.Pointer)(unsafe.Pointer(&from)) //nolint:gosec // not the garbage collector's memory, so this is the way
		image = unsafe.Slice((*byte)(base), to-from)      //nolint:gosec // from the kernel's own list
		file, err := elf.NewFile(bytes.NewReader(bytes.Clone(image)))
		if err != nil {
			return nil, nil, err
		}
		symbols, err := file.DynamicSymbols()
		for _, s := range symbols {
			if s.Name == "__vdso_clock_gettime" && s.Value%8 == 0 {
				return unsafe.Add(base, s.Value), image, nil
			}
		}
		return nil, nil, errors.Join(errors.New("the vDSO has no clock_gettime"), err)
	}
	return nil, nil, errors.New("this process has no vDSO")
}

// address is where something is that the garbage collector does not move.
func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) } //nolint:gosec // that is its purpose

func protect(start uintptr, length int, how uintptr) error {
	if _, _, errno := unix.Syscall(unix.SYS_MPROTECT, start, uintptr(length), how); errno != 0 {
		return errno
	}
	return nil
}
