using Mainstay.Core;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Files;
using Mainstay.Engine.Http.Files;
using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Mainstay.Linux.Storage;

namespace Mainstay.Engine.Http;

/// <summary>
/// The bytes of a file on their way: a small one with its head in one call, a larger one by sendfile on a plain connection, else through a
/// buffer. Pages that are not in memory are read by the offload pool first.
/// </summary>
internal sealed partial class Exchange
{
    /// <summary>So far ahead pages are looked for: the kernel's read-ahead is 128 KiB, and a socket seldom takes more at once.</summary>
    private const int FileWindow = 256 * 1024;

    /// <summary>Between two looks for pages; what lies between is read together, as far as the kernel's read-ahead goes.</summary>
    private const int FileStride = 64 * 1024;

    /// <summary>Bytes of one send through a buffer.</summary>
    private const int FilePiece = 64 * 1024;

    /// <summary>Pages that were there are taken to be there still for so long.</summary>
    private static readonly TimeSpan s_resident = TimeSpan.FromSeconds(1);

    private Representation? _file;
    private RangeSet _ranges;
    private int _rangesBegun;
    private BoundaryBuffer _boundary;

    // Of the part under way, and how far pages are known to be in memory.
    private long _fileAt;
    private long _fileEnd;
    private long _fileWarmTo;

    /// <summary>The socket was full at least once: time has passed since the head was written.</summary>
    private bool _fileTookTime;

    /// <summary>The socket takes no file; its bytes go through a buffer.</summary>
    private bool _fileIsCopied;

    [System.Runtime.CompilerServices.InlineArray(FileHead.BoundaryLength)]
    private struct BoundaryBuffer
    {
        private byte _first;
    }

    private ReadOnlySpan<byte> Boundary => (ReadOnlySpan<byte>)_boundary;

    private bool IsMultipart => _ranges.Count > 1;

    /// <summary>A piece of the file was read into memory, or could not be.</summary>
    public void OnFileWarm(int serial)
    {
        if (serial != _serial || _phase != ExchangePhase.FileAwaited) return;
        _phase = ExchangePhase.FileSending;
        NoteResident();
        ArmFor(_service.Snapshot.Timeouts.Write);
        if (!_client.HasUnsent) PumpFile(0, 0);
    }

    private void SendFile(Representation file, in FileAnswer answer, in RangeSet ranges)
    {
        _status = answer.Status;
        Span<byte> output = shard.Output;
        int length = file.Head.Write(output, answer, shard.Date, _own, OwnFields(answer.Status));
        bool hasBody = answer.Status is 200 or 206 or 404 && _method == RequestMethod.Get;
        if (length < 0)
        {
            Fail(OutcomeCause.HeadDoesNotFit);
            return;
        }

        if (IsCodedHere(file, answer)) length = CodeFileHead(length, hasBody);
        if (!hasBody || (file.IsInMemory && _encoder is null))
        {
            if (hasBody) length += WriteContent(file, ranges, output[length..]);
            SendWhole(length, new Outcome(OutcomePhase.Done, OutcomeCause.FileServed));
            return;
        }

        file.Users++;
        _file = file;
        _ranges = ranges;
        _rangesBegun = 0;
        _fileAt = 0;
        _fileEnd = IsMultipart ? 0 : file.Status.Size;
        if (ranges.Count == 1) (_fileAt, _fileEnd) = (ranges[0].First, ranges[0].Last + 1);
        _fileWarmTo = _loop.Now < file.ResidentUntil ? file.Status.Size : 0;
        _fileTookTime = _fileIsCopied = false;
        _responseBegun = true;
        _clientFraming = _encoder is null ? BodyKind.Length : BodyKind.Chunked;
        _phase = ExchangePhase.FileSending;
        ArmFor(_service.Snapshot.Timeouts.Write);
        PumpFile(length, length);
    }

    /// <summary>The content of a small file, or the parts of it that were asked for.</summary>
    private int WriteContent(Representation file, in RangeSet ranges, Span<byte> output)
    {
        ReadOnlySpan<byte> content = file.Content;
        if (ranges.Count == 0)
        {
            content.CopyTo(output);
            return content.Length;
        }

        int length = 0;
        for (int i = 0; i < ranges.Count; i++)
        {
            ContentRange range = ranges[i];
            if (ranges.Count > 1) length += file.Head.WritePart(output[length..], range, Boundary);
            content.Slice((int)range.First, (int)range.Length).CopyTo(output[length..]);
            length += (int)range.Length;
        }

        return ranges.Count > 1 ? length + FileHead.WriteEnd(output[length..], Boundary) : length;
    }

    /// <summary>The client's connection has something to say while a file is awaited or sent.</summary>
    private void ContinueFile()
    {
        if (_client.HasUnsent)
        {
            SendResult flushed = _client.Flush();
            if (flushed == SendResult.Failed) Abandon(OutcomeCause.ClientReset);
            else if (_phase == ExchangePhase.FileSending) ArmFor(_service.Snapshot.Timeouts.Write);
            if (flushed != SendResult.Sent) return;
        }

        if (_phase == ExchangePhase.FileSending) PumpFile(0, 0);
    }

    /// <summary>Sends as much as the client takes and the turn allows.</summary>
    /// <param name="prefix">So many bytes in the shard's output go before the file's.</param>
    /// <param name="headLength">So many of them are the response's head.</param>
    private void PumpFile(int prefix, int headLength)
    {
        int budget = _encoder is null ? DownloadBytesPerTurn : CodedPiece;
        while (!_client.HasUnsent)
        {
            if (budget <= 0)
            {
                _client.RunSoon();
                return;
            }

            if (_fileAt == _fileEnd && !BeginPart(ref prefix))
            {
                EndFile(prefix, headLength);
                return;
            }

            if (!_file!.IsInMemory && _fileWarmTo <= _fileAt && !IsResident())
            {
                AwaitFile(prefix, headLength);
                return;
            }

            bool goesOn = _encoder is not null ? SendCoded(ref budget, prefix)
                : _client.PlainDescriptor >= 0 && !_fileIsCopied
                ? SendFromFile(ref budget, prefix, headLength)
                : SendThroughBuffer(ref budget, prefix, headLength);
            if (!goesOn) return;
            prefix = headLength = 0;
        }
    }

    /// <summary>Goes on to the next part of several. False: that was the last.</summary>
    private bool BeginPart(ref int prefix)
    {
        if (!IsMultipart) return false;
        if (_rangesBegun == _ranges.Count)
        {
            prefix += FileHead.WriteEnd(shard.Output[prefix..], Boundary);
            return false;
        }

        ContentRange range = _ranges[_rangesBegun++];
        (_fileAt, _fileEnd, _fileWarmTo) = (range.First, range.Last + 1, 0);
        prefix += _file!.Head.WritePart(shard.Output[prefix..], range, Boundary);
        return true;
    }

    /// <summary>Looks whether the next pages are in memory, so that sending them does not wait for the disk.</summary>
    private bool IsResident()
    {
        Span<byte> one = stackalloc byte[1];
        long end = Math.Min(_fileEnd, _fileAt + FileWindow);
        for (long at = _fileAt; at < end; at = at == end - 1 ? end : Math.Min(at + FileStride, end - 1))
            if (FileContent.ReadCached(_file!.Descriptor, one, at) < 0) return false;
        _fileWarmTo = end;
        NoteResident();
        return true;
    }

    private void NoteResident()
    {
        if (_file!.Status.Size <= FileWindow) _file.ResidentUntil = _loop.Now + s_resident;
    }

    private void AwaitFile(int prefix, int headLength)
    {
        if (prefix > 0 && !SendAlong(shard.Output[..prefix], headLength)) return;
        long end = Math.Min(_fileEnd, _fileAt + FileWindow);
        _fileWarmTo = end;
        if (!shard.Files.TryWarmUp(this, _serial, _file!, _fileAt, end - _fileAt))
        {
            Fail(OutcomeCause.FileUnavailable);
            return;
        }

        _phase = ExchangePhase.FileAwaited;
        ArmFor(s_fileWait);
    }

    /// <summary>False: the client takes no more now, or the exchange has ended.</summary>
    private bool SendFromFile(ref int budget, int prefix, int headLength)
    {
        int socket = _client.PlainDescriptor;
        if (prefix > 0)
        {
            int sent = Sockets.SendMore(socket, shard.Output[..prefix]);
            if (sent < prefix)
            {
                // Nothing, or a part of it, went out; what is left waits in the connection, or fails there.
                int done = Math.Max(sent, 0);
                _bytesToClient += done;
                return SendAlong(shard.Output[done..prefix], headLength) && !_client.HasUnsent;
            }

            _bytesToClient += prefix;
        }

        long most = Math.Min(Math.Min(_fileEnd, Math.Max(_fileWarmTo, _fileAt)) - _fileAt, budget);
        if (_fileTookTime && _fileAt + most == _fileEnd && !IsStillWhole()) return false;
        int count = FileContent.Send(socket, _file!.Descriptor, _fileAt, most);
        switch (count)
        {
            case > 0:
                OnFileSent(count);
                budget -= count;
                return true;
            case 0:
                Fail(OutcomeCause.FileChanged);
                return false;
            case -(int)Errno.EAGAIN:
                _fileTookTime = true;
                return false;
            case -(int)Errno.EINVAL:
                _fileIsCopied = true;
                return true;
            case -(int)Errno.EIO or -(int)Errno.ENOMEM:
                Fail(OutcomeCause.FileFailed);
                return false;
            default:
                Abandon(OutcomeCause.ClientReset);
                return false;
        }
    }

    /// <summary>The same where the bytes have to be ours for a moment: TLS, HTTP/2, file systems without sendfile.</summary>
    private bool SendThroughBuffer(ref int budget, int prefix, int headLength)
    {
        Span<byte> output = shard.Output;
        long end = Math.Min(_fileEnd, Math.Max(_fileWarmTo, _fileAt));
        int wanted = (int)Math.Min(end - _fileAt, Math.Min(FilePiece, _client.Appetite));
        if (_fileTookTime && _fileAt + wanted == _fileEnd && !IsStillWhole()) return false;
        int count = FileContent.Read(_file!.Descriptor, output.Slice(prefix, wanted), _fileAt);
        if (count <= 0)
        {
            Fail(count == 0 ? OutcomeCause.FileChanged : OutcomeCause.FileFailed);
            return false;
        }

        bool isEnd = !IsMultipart && _fileAt + count == _fileEnd;
        _fileAt += count;
        budget -= count;
        if (!SendAlong(output[..(prefix + count)], headLength, isEnd)) return false;
        if (isEnd)
        {
            FinishFile();
            return false;
        }

        _fileTookTime |= _client.HasUnsent;
        ArmFor(_service.Snapshot.Timeouts.Write);
        return true;
    }

    private bool SendAlong(ReadOnlySpan<byte> bytes, int headLength, bool isEnd = false)
    {
        _bytesToClient += bytes.Length;
        if (_client.Send(bytes, headLength, isEnd) != SendResult.Failed) return true;
        Abandon(OutcomeCause.ClientReset);
        return false;
    }

    private void OnFileSent(int count)
    {
        _fileAt += count;
        _bytesToClient += count;
        ArmFor(_service.Snapshot.Timeouts.Write);
    }

    /// <summary>
    /// Before the last bytes of a file that took a while to send: was it written to meanwhile? Then the client must not take what it got
    /// for a whole.
    /// </summary>
    private bool IsStillWhole()
    {
        if (!HasChanged(_file!)) return true;
        Fail(OutcomeCause.FileChanged);
        return false;
    }

    /// <summary>All of the file is sent, but for what stands in the shard's output.</summary>
    private void EndFile(int prefix, int headLength)
    {
        if (prefix > 0 && !SendAlong(shard.Output[..prefix], headLength, isEnd: true)) return;
        FinishFile();
    }

    private void FinishFile()
    {
        End(new Outcome(OutcomePhase.Done, OutcomeCause.FileServed));
        _client.OnExchangeDone(_own.KeepAlive, _ownLingers);
    }

    private void ReleaseFile()
    {
        if (_file is null) return;
        shard.Files.Release(_file);
        _file = null;
    }
}
