/**
 * What user code may use of its realm: every global, and every name of `Deno`, `process` and `navigator`. lockdown.ts
 * enforces it. A name that is on no list, such as one that a newer Deno adds, is denied until it has been judged:
 * tests/integration/sandbox/realm_names_test.ts fails for it. Node's built-in modules are judged in module_gate.ts.
 */

/**
 * - `open`: as Deno has it, behind its permissions.
 * - `pinned`: replaced by nerve's own, for good.
 * - `denied`: closed, for good, whatever is granted.
 */
export type Access = "open" | "pinned" | "denied";

type Names = Readonly<Record<string, Access>>;

function classify(lists: Readonly<Record<Access, string>>): Names {
  const names: Record<string, Access> = Object.create(null);
  for (const [access, list] of Object.entries(lists)) {
    for (const name of list.split(/\s+/)) if (name !== "") names[name] = access as Access;
  }
  return names;
}

/** Own properties of `globalThis`. */
export const globalNames: Names = classify({
  open: `
    Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp
    Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError globalThis
    JSON Math Intl Temporal ArrayBuffer SharedArrayBuffer Atomics DataView Uint8Array Int8Array Uint16Array Int16Array
    Uint32Array Int32Array BigUint64Array BigInt64Array Uint8ClampedArray Float16Array Float32Array Float64Array Map
    BigInt Set Iterator WeakMap WeakSet WeakRef FinalizationRegistry Proxy Reflect DisposableStack AsyncDisposableStack
    WebAssembly decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval isFinite isNaN
    console Deno process Buffer global self name location navigator queueMicrotask structuredClone reportError
    setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate atob btoa crypto Crypto CryptoKey
    SubtleCrypto performance Performance PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver
    PerformanceObserverEntryList AbortController AbortSignal Event EventTarget CustomEvent CloseEvent ErrorEvent
    MessageEvent ProgressEvent PromiseRejectionEvent DOMException QuotaExceededError Blob File FileReader FormData
    Headers Request Response fetch EventSource WebSocket URL URLPattern URLSearchParams MessageChannel MessagePort
    ByteLengthQueuingStrategy CountQueuingStrategy CompressionStream DecompressionStream ReadableStream
    ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController
    ReadableByteStreamController WritableStream WritableStreamDefaultWriter WritableStreamDefaultController
    TransformStream TransformStreamDefaultController TextDecoder TextEncoder TextDecoderStream TextEncoderStream
    DOMMatrix DOMMatrixReadOnly DOMPoint DOMPointReadOnly DOMQuad DOMRect DOMRectReadOnly ImageData ImageBitmap
    createImageBitmap OffscreenCanvas ImageBitmapRenderingContext Lock LockManager NavigatorUAData WorkerGlobalScope
    DedicatedWorkerGlobalScope WorkerLocation WorkerNavigator postMessage onmessage onerror onunhandledrejection`,
  pinned: "close",
  // Threads; a store beside the workspace that all senses share; messages to other threads; the graphics card, whose
  // driver runs in this process and whose memory is not measured.
  denied: `
    nodeBootstrap Worker BroadcastChannel caches CacheStorage Cache localStorage sessionStorage Storage indexedDB GPU GPUAdapter
    GPUAdapterInfo GPUBuffer GPUBufferUsage GPUCanvasContext GPUColorWrite GPUCommandBuffer GPUCommandEncoder
    GPUCompilationInfo GPUCompilationMessage GPUComputePassEncoder GPUComputePipeline GPUDevice GPUDeviceLostInfo
    GPUError GPUBindGroup GPUBindGroupLayout GPUInternalError GPUPipelineError GPUUncapturedErrorEvent GPUPipelineLayout
    GPUQueue GPUQuerySet GPUMapMode GPUOutOfMemoryError GPURenderBundle GPURenderBundleEncoder GPURenderPassEncoder
    GPURenderPipeline GPUSampler GPUShaderModule GPUShaderStage GPUSupportedFeatures GPUSupportedLimits GPUTexture
    GPUTextureView GPUTextureUsage GPUValidationError`,
});

/** Own properties of `Deno`. */
export const denoNames: Names = classify({
  open: `
    build version errors inspect args noColor pid ppid exitCode execPath cwd isatty consoleSize stdin stdout stderr
    readFile readFileSync readTextFile readTextFileSync writeFile writeFileSync writeTextFile writeTextFileSync open
    openSync create createSync FsFile SeekMode copyFile copyFileSync rename renameSync remove removeSync mkdir mkdirSync
    makeTempDir makeTempDirSync makeTempFile makeTempFileSync readDir readDirSync readLink readLinkSync realPath
    realPathSync stat statSync lstat lstatSync truncate truncateSync chmod chmodSync chown chownSync utime utimeSync
    link linkSync symlink symlinkSync connect connectTls startTls resolveDns fetch HttpClient createHttpClient
    upgradeWebSocket permissions Permissions PermissionStatus Command ChildProcess Process run spawn spawnAndWait
    spawnAndWaitSync dlopen UnsafeCallback UnsafePointer UnsafePointerView UnsafeFnPointer cpuUsage memoryUsage
    systemMemoryInfo networkInterfaces hostname loadavg osRelease osUptime uid gid refTimer unrefTimer internal`,
  pinned: "exit env",
  // Besides signals, the working directory and stores: listeners, which no grant names (`net` opens connections);
  // inotify instances, which are counted for all programs of the user; the test runner, the linter and telemetry.
  denied: `
    kill addSignalListener removeSignalListener chdir umask listen listenTls listenDatagram serve serveHttp watchFs test
    bench lint telemetry openKv cron QuicEndpoint connectQuic`,
});

/** Own properties of `process`. */
export const processNames: Names = classify({
  open: `
    _events _eventsCount _maxListeners release arch argv argv0 debugPort config cpuUsage threadCpuUsage cwd execArgv
    _rawDebug getActiveResourcesInfo _getActiveRequests _getActiveHandles _exiting exitCode mainModule nextTick pid ppid
    platform setSourceMapsEnabled sourceMapsEnabled hrtime memoryUsage availableMemory constrainedMemory resourceUsage
    stderr stdin stdout openStdin version versions emitWarning getgid getuid getgroups getegid geteuid execPath uptime
    allowedNodeEnvironmentFlags features noDeprecation moduleLoadList send disconnect channel connected domain
    hasUncaughtExceptionCaptureCallback throwDeprecation traceDeprecation report title`,
  pinned: "exit reallyExit env",
  denied: `
    kill _kill abort getBuiltinModule binding _linkedBinding dlopen chdir umask loadEnvFile setegid seteuid setgid
    setuid setgroups initgroups setUncaughtExceptionCaptureCallback _fatalException _eval _debugProcess _debugEnd
    _startProfilerIdleNotifier _stopProfilerIdleNotifier finalization permission`,
});

/** Own properties of the prototype of `navigator`. */
export const navigatorNames: Names = classify({
  open: "constructor hardwareConcurrency userAgent language languages locks platform userAgentData",
  pinned: "",
  denied: "gpu",
});

/** The own keys of `object` that user code may not use as they are. */
export function findClosed(object: object, names: Names): { readonly denied: string[]; readonly pinned: string[] } {
  const denied: string[] = [], pinned: string[] = [];
  for (const key of Object.getOwnPropertyNames(object)) {
    const access = names[key] ?? "denied";
    if (access === "denied") denied.push(key);
    if (access === "pinned") pinned.push(key);
  }
  return { denied, pinned };
}
